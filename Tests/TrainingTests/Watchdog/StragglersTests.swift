import Foundation
import Testing
import Training

/// Which ranks are said to be slow, step by step.
struct StragglersTests {
    private let start = Date(timeIntervalSince1970: 1_000_000)

    /// What is said over `steps`, in each of which rank r takes `seconds(step)[r]`, one after the other every ten seconds.
    private func findings(
        _ stragglers: inout Stragglers, steps: Range<Int>, _ seconds: (Int) -> [Double]
    ) -> [(step: Int, text: String)] {
        steps.flatMap { step in
            stragglers.observe(seconds(step), now: start + 10 * Double(step)).map { (step, $0) }
        }
    }

    @Test func aSlowRankIsNamedOnceAndWhenItKeepsUpAgain() {
        var stragglers = Stragglers(hosts: ["a", "a", "b", "b"], lanes: [2, 2, 2, 2])
        let said = findings(&stragglers, steps: 0..<100) { [1, 1.02, (30..<60).contains($0) ? 1.9 : 1.01, 0.98] }
        #expect(said.count == 2)
        // When the slow steps are 18 of 20, and when they are 2 of 20.
        #expect(said.map(\.step) == [47, 77])
        #expect(said[0].text.contains("rank 2 on b is slow since ") && said[0].text.contains("takes 1.9 times as long"))
        #expect(said[1].text == "rank 2 on b keeps up again")
    }

    /// Of steps of two milliseconds, twenty-five are one.
    @Test func shortStepsAreTakenTogether() {
        func said(_ slow: Range<Int>) -> [Int] {
            var stragglers = Stragglers(hosts: ["a", "b"], lanes: [1, 1])
            return findings(&stragglers, steps: 0..<800) { [0.001, slow.contains($0) ? 0.002 : 0.001] }.map(\.step)
        }
        #expect(said(300..<360).isEmpty)
        #expect(said(0..<800) == [499])
    }

    @Test func whatIsSlowForHoursIsSaidOnceAnHour() {
        var stragglers = Stragglers(hosts: ["a", "b"], lanes: [4, 4])
        let said = findings(&stragglers, steps: 0..<1000) { _ in [1, 2] }
        #expect(said.count == 3)
        #expect(said.allSatisfy { $0.text.contains("rank 1 on b is slow since ") })
    }

    @Test func singleSlowStepsAndMoreLanesAreNoReason() {
        var noisy = Stragglers(hosts: ["a", "a", "b"], lanes: [3, 3, 2])
        // In turn each is three times as slow; and who has three lanes takes longer than who has two.
        #expect(
            findings(&noisy, steps: 0..<200) { step in
                [3, 3, 2].enumerated().map { $1 * ($0 == step % 3 ? 3 : 1) }
            }.isEmpty)
        var alone = Stragglers(hosts: ["a"], lanes: [8])
        #expect(findings(&alone, steps: 0..<100) { [Double($0)] }.isEmpty)
    }
}
