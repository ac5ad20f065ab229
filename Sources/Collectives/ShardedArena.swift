import Kernels

/// A flat arena of `count` floats of which every rank holds, at least, the part that it updates: AdamW's moments.
///
/// With `Sharding.node` each node has one shared copy; with `.world` each rank has its own piece and no more.
public final class ShardedArena {
    public let count: Int
    public let sharding: Sharding
    /// The floats of the whole that `owned` holds.
    public let ownedRange: Range<Int>
    public let owned: FloatSlice
    private let communicator: any Communicator
    private let layout: ShardLayout
    /// The whole, shared by the node's ranks; nil with `.world`.
    private let whole: FloatSlice?

    /// Floats handed to the closures of `gather` and `scatter` at a time, at most: 16 MB.
    private static let chunk = 4 << 20

    /// Zero at first. Collective.
    public init(communicator: any Communicator, count: Int, sharding: Sharding, label: String) throws {
        self.communicator = communicator
        self.count = count
        self.sharding = sharding
        layout = ShardLayout(count: count, topology: communicator.topology)
        ownedRange = layout.owned(sharding)
        switch sharding {
        case .node:
            let shared = try communicator.allocateShared(floats: count, label: label).all
            whole = shared
            owned = shared[ownedRange]
        case .world:
            whole = nil
            owned = FloatArena(count: ownedRange.count).all
        }
    }

    /// Shows rank 0 the whole: there, and only there, `body` is called with consecutive chunks from beginning to end.
    /// Collective.
    /// - Throws: on every rank, when `body` throws (on rank 0 the error itself); the rest is then not shown.
    public func gather(_ body: (FloatSlice) throws -> Void) throws {
        var failure: (any Error)?
        // Rank 0 reads nothing that its owner still writes.
        try communicator.barrier()
        try forEachChunk { chunk, owner in
            try communicator.transfer(chunk, from: owner, to: 0)
            if communicator.rank == 0, failure == nil { failure = error(of: { try body(chunk) }) }
        }
        // No owner goes on writing what rank 0 still reads.
        try communicator.together { if let failure { throw failure } }
    }

    /// The inverse: `fill` writes consecutive chunks of the whole on rank 0, and each reaches its owner. Collective.
    /// - Throws: as `gather`; the content is then undefined.
    public func scatter(_ fill: (FloatSlice) throws -> Void) throws {
        var failure: (any Error)?
        // Rank 0 overwrites nothing that its owner still reads.
        try communicator.barrier()
        try forEachChunk { chunk, owner in
            if communicator.rank == 0, failure == nil { failure = error(of: { try fill(chunk) }) }
            try communicator.transfer(chunk, from: 0, to: owner)
        }
        // No owner reads what rank 0 still writes.
        try communicator.together { if let failure { throw failure } }
        if let whole { try communicator.broadcastAcrossNodes(whole) }
    }

    /// Calls `body` for the chunks of the whole that concern this rank, in order, each with the rank that holds it: a view
    /// of this rank's own floats, or on rank 0 a buffer for those of others.
    private func forEachChunk(_ body: (_ chunk: FloatSlice, _ owner: Int) throws -> Void) throws {
        let buffer = FloatArena(count: communicator.rank == 0 && communicator.worldSize > 1 ? Self.chunk : 0).all
        for (owner, range) in holdings {
            for begin in stride(from: range.lowerBound, to: range.upperBound, by: Self.chunk) {
                let chunk = begin..<min(begin + Self.chunk, range.upperBound)
                if owner != communicator.rank {
                    if communicator.rank == 0 { try body(buffer[0..<chunk.count], owner) }
                } else if let whole {
                    try body(whole[chunk], owner)
                } else {
                    let first = chunk.lowerBound - ownedRange.lowerBound
                    try body(owned[first..<(first + chunk.count)], owner)
                }
            }
        }
    }

    /// The ranges, in order, that rank 0 finds with each rank: all with itself where its node has the whole.
    private var holdings: [(owner: Int, range: Range<Int>)] {
        if sharding == .node { return [(0, 0..<count)] }
        let topology = communicator.topology
        return (0..<topology.ownersPerNode).flatMap { localRank in
            (0..<topology.nodeCount).map { node in
                (
                    topology.ranks(ofNode: node).lowerBound + localRank,
                    layout.floats(layout.pieceBlocks(localRank, node: node))
                )
            }
        }
    }

    private func error(of body: () throws -> Void) -> (any Error)? {
        do { try body() } catch { return error }
        return nil
    }
}
