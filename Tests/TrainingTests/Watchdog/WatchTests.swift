import Collectives
import Foundation
import Testing
import Training

/// What an observer concludes from what it sees, look by look.
struct WatchTests {
    private let start = Date(timeIntervalSince1970: 1_000_000)
    /// Four ranks on two nodes, seen from the first node; a look each second.
    private var watch: Watch
    private var signs: [Int: VitalSigns]

    init() {
        watch = Watch(ranks: 0..<4, node: 0..<2, worldSize: 4, now: start)
        signs = Dictionary(uniqueKeysWithValues: (0..<4).map { ($0, VitalSigns()) })
    }

    /// One more look, a second after the last: `working` get on, `running` at least run.
    private mutating func look(working: Set<Int>, running: Set<Int> = [0, 1, 2, 3], at second: Int) {
        for rank in 0..<4 {
            if working.contains(rank) { signs[rank]?.beats += 1 }
            if running.contains(rank) { signs[rank]?.pulses += 1 }
        }
        watch.observe(signs, after: .seconds(1), now: start + Double(second))
    }

    private func stall(_ limit: Int = 3) -> Stall? { watch.stall(limit: .seconds(limit), grace: .seconds(1)) }

    @Test mutating func allGetOn() {
        for second in 1...10 { look(working: [0, 1, 2, 3], at: second) }
        #expect(stall() == nil)
    }

    @Test mutating func theOneThatDoesNotGetOnIsLateAndThoseWhoWaitForItAreNot() {
        look(working: [0, 1, 2, 3], at: 1)
        for rank in [0, 2, 3] { signs[rank]?.isWaiting = true }
        for second in 2...3 { look(working: [], at: second) }
        #expect(stall() == nil)
        look(working: [], at: 4)
        #expect(stall()?.cause == .late)
        #expect(stall()?.ranks.map(\.rank) == [1])
        #expect(stall()?.ranks.first?.lastBeat == start + 1)
    }

    /// A rank that was stopped while it waited still says that it waits.
    @Test mutating func aProcessThatDoesNotRunIsToBlameEvenIfItSaysThatItWaits() {
        look(working: [0, 1, 2, 3], at: 1)
        for rank in 0..<4 { signs[rank]?.isWaiting = true }
        for second in 2...4 { look(working: [], running: [0, 2, 3], at: second) }
        #expect(stall()?.cause == .stopped)
        #expect(stall()?.ranks.map(\.rank) == [1])
    }

    @Test mutating func aNodeThatGivesNoSignIsUnheardOfALittleLater() {
        look(working: [0, 1, 2, 3], at: 1)
        for rank in [0, 1] { signs[rank]?.isWaiting = true }
        for second in 2...4 { look(working: [], running: [0, 1], at: second) }
        #expect(stall() == nil)
        look(working: [], running: [0, 1], at: 5)
        #expect(stall()?.cause == .unheard)
        #expect(stall()?.ranks.map(\.rank) == [2, 3])
    }

    /// A rank may have given a last sign right before it was looked at, and its neighbour right behind.
    @Test(arguments: [[0, 1], [2, 3]]) mutating func thoseThatStoppedTogetherAreNamedTogether(_ stopped: [Int]) {
        let others = Set(0..<4).subtracting(stopped)
        for second in 1...10 { look(working: [0, 1, 2, 3], at: second) }
        look(working: others, running: others.union([stopped[0]]), at: 11)
        for second in 12...30 where stall(10) == nil { look(working: others, running: others, at: second) }
        #expect(stall(10)?.cause == (stopped[0] == 0 ? .stopped : .unheard))
        #expect(stall(10)?.ranks.map(\.rank) == stopped)
    }

    /// Those who wait get on as soon as the work does: the others must be known before anybody may say that all wait.
    @Test mutating func whereAllWaitForOneAnother() {
        for rank in 0..<4 { signs[rank]?.isWaiting = true }
        look(working: [0, 1, 2, 3], at: 1)
        for second in 2...5 { look(working: [], at: second) }
        #expect(stall()?.cause == .deadlock)
        #expect(stall()?.ranks.count == 4)
        look(working: [3], at: 6)
        #expect(stall() == nil)

        var half = Watch(ranks: 0..<2, node: 0..<2, worldSize: 4, now: start)
        for second in 1...9 {
            let running = signs.mapValues { old in
                var new = old
                new.pulses += UInt64(second)
                return new
            }
            half.observe(running, after: .seconds(1), now: start + Double(second))
        }
        #expect(half.stall(limit: .seconds(3), grace: .zero) == nil)
    }

    /// Any number of slow seconds is forgiven by one beat.
    @Test mutating func slowIsNotStill() {
        for second in 1...30 {
            look(working: second % 3 == 0 ? [1] : [], at: second)
            #expect(stall(5)?.ranks.contains { $0.rank == 1 } != true)
        }
        #expect(stall(5)?.ranks.map(\.rank) == [0, 2, 3])
    }

    @Test mutating func whatIsSaid() {
        signs[1]?.stage = Stage.backward.rawValue
        signs[1]?.step = 17
        signs[1]?.process = 4711
        look(working: [0, 1, 2, 3], at: 1)
        for second in 2...4 { look(working: [0, 2, 3], running: [0, 2, 3], at: second) }
        func report(isConfigured: Bool) -> StallReport {
            StallReport(
                stall: stall()!, hosts: ["h1", "h1", "h2", "h2"], limit: .seconds(3), isConfigured: isConfigured,
                states: [0: "S", 1: "T"])
        }
        let unconfigured = report(isConfigured: false)
        #expect(unconfigured.text.contains("no progress for 3s; the job is ended"))
        #expect(!unconfigured.text.contains("run.stall_timeout") && !unconfigured.text.contains("checkpoint"))
        let report = report(isConfigured: true)
        #expect(report.text.contains("no progress for 3s, the limit of run.stall_timeout"))
        #expect(report.text.contains("rank 1 on h1 is in the backward pass, step 17, since "))
        #expect(report.text.contains("its process 4711 is stopped (SIGSTOP, or a debugger)"))
        #expect(report.text.contains("the other 3 ranks wait for that"))
        #expect(report.text.contains("start the same command again"))
    }
}
