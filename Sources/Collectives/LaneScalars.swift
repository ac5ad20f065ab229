/// Sums a few doubles per lane (losses, token counts, metrics) over the world, the same bits for every world size.
public struct LaneScalars: Sendable {
    private let communicator: any Communicator
    private let lanes: Int

    public init(communicator: any Communicator, lanes: LaneAssignment) {
        self.communicator = communicator
        self.lanes = lanes.lanes
    }

    /// The sum over all lanes, element by element, in `SummationTree` order, on every rank. Collective.
    /// - Parameter perLane: one vector for each of this rank's lanes, in order, all of one length.
    public func sumOverLanes(_ perLane: [[Double]]) throws -> [Double] {
        try sumOverLanes(perLane, ofRank: []).sums
    }

    /// The sum over all lanes, and what each rank tells of itself (a request to stop, say), in one message.
    /// - Parameter ofRank: of one length on all ranks.
    /// - Returns: `ranks[r]` is what rank r gave as `ofRank`.
    public func sumOverLanes(
        _ perLane: [[Double]], ofRank: [Double]
    ) throws -> (sums: [Double], ranks: [[Double]]) {
        let width = perLane.first?.count ?? 0
        precondition(perLane.allSatisfy { $0.count == width }, "vectors of unequal lengths: \(perLane.map(\.count))")
        let gathered = try communicator.allGather(ofRank + perLane.flatMap(\.self))
        let all = gathered.flatMap { vectors in
            stride(from: ofRank.count, to: vectors.count, by: max(width, 1)).map { Array(vectors[$0..<($0 + width)]) }
        }
        let ranks = gathered.map { Array($0.prefix(ofRank.count)) }
        guard width > 0 else { return ([], ranks) }
        precondition(all.count == lanes, "\(all.count) vectors for \(lanes) lanes")
        let sums = SummationTree.sum(0..<lanes, leaf: { all[$0] }) { zip($0, $1).map(+) }
        return (sums, ranks)
    }
}

extension Communicator {
    /// The items of all ranks, on every rank, in the order of their indices. Collective.
    ///
    /// Evaluation gathers one item per sequence this way and adds them in index order, which no division of the sequences
    /// among ranks can change.
    public func orderedGather(_ items: [(index: Int, values: [Double])]) throws -> [[Double]] {
        let message = items.flatMap { [Double($0.index), Double($0.values.count)] + $0.values }
        var all: [(index: Int, values: [Double])] = []
        for part in try allGather(message) {
            var at = 0
            while at < part.count {
                let count = Int(part[at + 1])
                all.append((Int(part[at]), Array(part[(at + 2)..<(at + 2 + count)])))
                at += 2 + count
            }
        }
        return all.sorted { $0.index < $1.index }.map(\.values)
    }
}
