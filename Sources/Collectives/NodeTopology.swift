/// Where a rank sits: ranks are numbered node by node, so those of a node are neighbours.
public struct NodeTopology: Sendable, Equatable {
    public let rank: Int
    /// Ranks of each node, in node order. Nodes are ordered by the lowest rank that the launcher put there.
    public let ranksPerNode: [Int]
    public let nodeIndex: Int
    public let localRank: Int
    public let hostName: String
    /// Ranks on this machine: more than `localSize` where `JREG_DEBUG_NODES` splits it into pretended nodes.
    public let ranksOnHost: Int

    public init(rank: Int, ranksPerNode: [Int], hostName: String, ranksOnHost: Int) {
        precondition(ranksPerNode.allSatisfy { $0 > 0 }, "a node without ranks: \(ranksPerNode)")
        precondition(rank >= 0 && rank < ranksPerNode.reduce(0, +), "rank \(rank) of \(ranksPerNode)")
        self.rank = rank
        self.ranksPerNode = ranksPerNode
        self.hostName = hostName
        self.ranksOnHost = ranksOnHost
        var node = 0
        var first = 0
        while rank >= first + ranksPerNode[node] {
            first += ranksPerNode[node]
            node += 1
        }
        nodeIndex = node
        localRank = rank - first
    }

    public var worldSize: Int { ranksPerNode.reduce(0, +) }
    public var nodeCount: Int { ranksPerNode.count }
    public var localSize: Int { ranksPerNode[nodeIndex] }
    /// The least number of ranks on any node: so many on every node own a shard.
    public var ownersPerNode: Int { ranksPerNode.min()! }

    /// The ranks of node `node`.
    public func ranks(ofNode node: Int) -> Range<Int> {
        let first = ranksPerNode[..<node].reduce(0, +)
        return first..<(first + ranksPerNode[node])
    }
}
