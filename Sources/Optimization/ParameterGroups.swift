/// Which parts of a flat parameter arena weight decay acts on.
public struct ParameterGroups: Sendable, Equatable {
    /// Consecutive elements that are treated alike.
    public struct Part: Sendable, Equatable {
        public let range: Range<Int>
        public let decays: Bool

        public init(range: Range<Int>, decays: Bool) {
            self.range = range
            self.decays = decays
        }
    }

    /// All of the arena, in order, neighbours always of different kinds.
    public let parts: [Part]

    /// - Parameters:
    ///   - matrices: where decay acts, ascending and without overlap.
    ///   - count: the size of the arena.
    public init(matrices: [Range<Int>], count: Int) {
        var parts: [Part] = []
        func add(_ range: Range<Int>, decays: Bool) {
            if range.isEmpty { return }
            if let last = parts.last, last.decays == decays {
                parts[parts.count - 1] = Part(range: last.range.lowerBound..<range.upperBound, decays: decays)
            } else {
                parts.append(Part(range: range, decays: decays))
            }
        }
        var end = 0
        for matrix in matrices {
            precondition(
                matrix.lowerBound >= end && matrix.upperBound <= count,
                "matrix \(matrix) must lie behind element \(end) of an arena of \(count)")
            add(end..<matrix.lowerBound, decays: false)
            add(matrix, decays: true)
            end = matrix.upperBound
        }
        add(end..<count, decays: false)
        self.parts = parts
    }

    /// The parts of `range`, such as the shard that one rank updates, in order.
    public func parts(of range: Range<Int>) -> [Part] {
        parts.filter { $0.range.overlaps(range) }
            .map { Part(range: $0.range.clamped(to: range), decays: $0.decays) }
    }
}
