import Collectives
import Foundation

/// What one observer knows of the ranks that it looks at, and what it concludes. It counts only time that it has watched
/// itself: a job that was suspended and goes on has lost nothing.
package struct Watch {
    /// A rank as it was last seen.
    package struct Observation: Equatable {
        package let rank: Int
        package var signs = VitalSigns()
        /// Watched without a beat: the rank did not get on.
        package var still = Duration.zero
        /// Watched without a pulse: its process did not even run, or nothing was heard of it.
        package var silent = Duration.zero
        /// When it last got on.
        package var lastBeat: Date
    }

    private var ranks: [Observation]
    /// The ranks of the observer's own node.
    private let node: Range<Int>
    private let worldSize: Int

    /// - Parameters:
    ///   - ranks: those that are looked at.
    ///   - node: the ranks of the observer's node.
    package init(ranks: Range<Int>, node: Range<Int>, worldSize: Int, now: Date = Date()) {
        self.ranks = ranks.map { Observation(rank: $0, lastBeat: now) }
        self.node = node
        self.worldSize = worldSize
    }

    /// Takes in what is seen `elapsed` after the last look; of a rank that is not in `signs`, nothing new is known.
    package mutating func observe(_ signs: [Int: VitalSigns], after elapsed: Duration, now: Date = Date()) {
        for index in ranks.indices {
            let old = ranks[index]
            let new = signs[old.rank] ?? old.signs
            ranks[index].still = new.beats == old.signs.beats ? old.still + elapsed : .zero
            ranks[index].silent = new.pulses == old.signs.pulses ? old.silent + elapsed : .zero
            if new.beats != old.signs.beats { ranks[index].lastBeat = now }
            ranks[index].signs = new
        }
    }

    /// Who holds up the job, if that has lasted for `limit`.
    /// - Parameter grace: so much longer for ranks of other nodes, since an observer of their own sees more of them.
    package func stall(limit: Duration, grace: Duration) -> Stall? {
        let (here, elsewhere) = (ranks.filter { node.contains($0.rank) }, ranks.filter { !node.contains($0.rank) })
        /// All of `ranks` that stand still, if one has done so for `limit`: of those that stopped together, not each is seen
        /// to at the same look.
        func culprits(_ time: KeyPath<Observation, Duration>, _ ranks: [Observation], _ limit: Duration)
            -> [Observation]
        {
            guard ranks.contains(where: { $0[keyPath: time] >= limit }) else { return [] }
            return ranks.filter { $0[keyPath: time] >= limit * 0.8 }
        }
        let stopped = culprits(\.silent, here, limit)
        if !stopped.isEmpty { return Stall(.stopped, stopped) }
        let unheard = culprits(\.silent, elsewhere, limit + grace)
        if !unheard.isEmpty { return Stall(.unheard, unheard) }
        // Who waits for others is not late; the others are.
        func late(_ ranks: [Observation], _ limit: Duration) -> [Observation] {
            culprits(\.still, ranks.filter { !$0.signs.isWaiting }, limit)
        }
        let slow = late(here, limit) + late(elsewhere, limit + grace)
        if !slow.isEmpty { return Stall(.late, slow) }
        let all = ranks.filter { $0.signs.isWaiting && $0.still >= limit + grace }
        return all.count == worldSize ? Stall(.deadlock, all) : nil
    }
}

/// Why a job does not get on, and which ranks are to blame.
package struct Stall: Equatable {
    package enum Cause: Equatable {
        /// Their processes do not run.
        case stopped
        /// They are on other nodes, and neither they nor the network give a sign.
        case unheard
        /// They run, but do not get on.
        case late
        /// All wait for one another.
        case deadlock
    }

    package let cause: Cause
    package let ranks: [Watch.Observation]

    package init(_ cause: Cause, _ ranks: [Watch.Observation]) { (self.cause, self.ranks) = (cause, ranks) }
}
