/// The parts of a step, in their order.
enum Phase: String, CaseIterable {
    /// Embedding and blocks.
    case forward
    /// Final norm, output projection and cross-entropy, with their backward.
    case head
    /// Blocks, with the regularizer's part.
    case backward
    /// Sums over ranks, with the wait for the slowest.
    case reduce
    /// AdamW, and the wait until all have updated.
    case update

    fileprivate var stage: Stage {
        switch self {
        case .forward: .forward
        case .head: .head
        case .backward: .backward
        case .reduce: .reduce
        case .update: .update
        }
    }
}

/// A stopwatch that gives each lap to a phase.
struct PhaseClock {
    /// A stretch of a phase, in seconds since the clock started.
    struct Lap {
        let phase: Phase
        let begin: Double
        let end: Double
    }

    private(set) var laps: [Lap] = []
    private let start = ContinuousClock.now
    private var current: (phase: Phase, begin: Double)?

    /// Ends the lap that runs, and begins one of `phase`, which whoever watches this rank sees it in.
    mutating func begin(_ phase: Phase) {
        let now = end()
        current = (phase, now)
        phase.stage.begin()
    }

    /// Ends the lap that runs.
    /// - Returns: seconds since the clock started.
    @discardableResult
    mutating func end() -> Double {
        let now = (ContinuousClock.now - start).seconds
        if let (phase, begin) = current { laps.append(Lap(phase: phase, begin: begin, end: now)) }
        current = nil
        return now
    }

    /// Of the phases in which a rank waits for no other.
    var ownSeconds: Double {
        laps.reduce(0) { [.forward, .head, .backward].contains($1.phase) ? $0 + $1.end - $1.begin : $0 }
    }

    /// By phase.
    var seconds: [String: Double] {
        laps.reduce(into: [:]) { $0[$1.phase.rawValue, default: 0] += $1.end - $1.begin }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
