/// Where the time of a step went on this rank, in seconds.
public struct PhaseSeconds: Codable, Sendable, Equatable {
    /// Embedding and blocks.
    public var forward = 0.0
    /// Final norm, output projection and cross-entropy, with their backward.
    public var head = 0.0
    /// Blocks, with the regularizer's part.
    public var backward = 0.0
    /// Sums over ranks, with the wait for the slowest.
    public var reduce = 0.0
    /// AdamW, and the wait until all have updated.
    public var update = 0.0

    var total: Double { forward + head + backward + reduce + update }

    static func += (left: inout PhaseSeconds, right: PhaseSeconds) {
        for phase in [\PhaseSeconds.forward, \.head, \.backward, \.reduce, \.update] {
            left[keyPath: phase] += right[keyPath: phase]
        }
    }
}

/// A stopwatch that gives each lap to a phase.
struct PhaseClock {
    private(set) var seconds = PhaseSeconds()
    private var last = ContinuousClock.now

    mutating func lap(_ phase: WritableKeyPath<PhaseSeconds, Double>) {
        let now = ContinuousClock.now
        seconds[keyPath: phase] += (now - last).seconds
        last = now
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
