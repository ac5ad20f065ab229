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

    mutating func lap(_ phase: Phase) {
        laps.append(Lap(phase: phase, begin: laps.last?.end ?? 0, end: (ContinuousClock.now - start).seconds))
    }

    /// By phase.
    var seconds: [String: Double] {
        laps.reduce(into: [:]) { $0[$1.phase.rawValue, default: 0] += $1.end - $1.begin }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
