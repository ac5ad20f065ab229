import Kernels

/// How a flat arena of `count` floats is divided among the ranks that sum and update it.
///
/// The arena is cut into blocks of 16 384 floats, whatever the number of ranks, so that sums over a block (the gradient
/// norm) are the same numbers in every division. Consecutive blocks form the shards of a node's ranks, and a shard is cut
/// into one piece per node. Where nodes differ in size, only as many ranks of each own a shard as the smallest node has.
public struct ShardLayout: Sendable, Equatable {
    public static let blockSize = 16_384

    public let count: Int
    public let topology: NodeTopology

    public init(count: Int, topology: NodeTopology) {
        self.count = count
        self.topology = topology
    }

    public var blockCount: Int { (count + Self.blockSize - 1) / Self.blockSize }

    /// The blocks of the shard of local rank `localRank`; empty for a rank that owns none.
    public func shardBlocks(_ localRank: Int) -> Range<Int> {
        let owners = topology.ownersPerNode
        guard localRank < owners else { return blockCount..<blockCount }
        return Self.part(localRank, of: owners, in: 0..<blockCount)
    }

    /// The blocks of the piece of that shard which falls to node `node`.
    public func pieceBlocks(_ localRank: Int, node: Int) -> Range<Int> {
        Self.part(node, of: topology.nodeCount, in: shardBlocks(localRank))
    }

    /// The floats of some blocks; the last block may be short.
    public func floats(_ blocks: Range<Int>) -> Range<Int> {
        min(blocks.lowerBound * Self.blockSize, count)..<min(blocks.upperBound * Self.blockSize, count)
    }

    /// The floats of this rank's shard.
    public var shard: Range<Int> { floats(shardBlocks(topology.localRank)) }
    /// The floats of this rank's piece.
    public var piece: Range<Int> { floats(pieceBlocks(topology.localRank, node: topology.nodeIndex)) }

    /// The floats that this rank updates.
    public func owned(_ sharding: Sharding) -> Range<Int> {
        switch sharding {
        case .node: shard
        case .world: piece
        }
    }

    /// Part `index` of `parts` that are as equal as they can be.
    static func part(_ index: Int, of parts: Int, in blocks: Range<Int>) -> Range<Int> {
        let begin = blocks.lowerBound + blocks.count * index / parts
        let end = blocks.lowerBound + blocks.count * (index + 1) / parts
        return begin..<end
    }
}

/// Over which ranks the optimizer's state is divided.
public enum Sharding: String, Sendable, CaseIterable {
    /// Once per node: every node updates its own whole copy of the weights.
    case node
    /// Once in the world (ZeRO stage 1, arXiv 1910.02054): each rank updates one piece, and weights are gathered.
    case world
}
