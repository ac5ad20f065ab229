import Kernels

/// Adds the sums of the nodes: every node sends what it has of a piece to the node that the piece falls to, which adds in
/// `SummationTree` order over the ranks.
///
/// Nodes of unequal size may hold several subtrees of the ranks, and send one sum for each.
final class WorldSum {
    private let peers: ShardPeers
    let wire: Wire
    private let sum: RankSum
    /// Sums that each node sends.
    private let sums: [Int]
    /// What arrives: one chunk for each sum of each other node, in node order.
    private let arriving: [[FloatSlice]]
    /// Blocks of a piece that are exchanged at a time: 4 MB, less with many nodes, so that all that arrives at a time
    /// stays within about 32 MB.
    let chunkBlocks: Int

    /// - Parameter nodes: the subtrees of the ranks that each node holds.
    init(peers: ShardPeers, nodes: [[Range<Int>]], format: WireFormat) {
        self.peers = peers
        sum = RankSum(nodes.flatMap(\.self))
        sums = nodes.map(\.count)
        let others = sums.reduce(0, +) - sums[peers.index]
        let blocks = max(1, min(64, 512 / others))
        chunkBlocks = blocks
        wire = Wire(format, peers: peers, capacity: blocks * ShardLayout.blockSize)
        arriving = nodes.enumerated().map { node, subtrees in
            node == peers.index ? [] : subtrees.map { _ in FloatArena(count: blocks * ShardLayout.blockSize).all }
        }
    }

    /// Adds this node's chunk over all nodes into `total`.
    /// - Parameters:
    ///   - chunks: for each node the floats of its piece that are added now, at most `chunkBlocks` blocks.
    ///   - mine: this node's sums, in whole arenas.
    func add(_ chunks: [Range<Int>], of mine: [FloatSlice], into total: FloatSlice) throws {
        let own = chunks[peers.index]
        try peers.forEachStep { to, from in
            for index in 0..<max(sums[peers.index], sums[from]) {
                let outgoing = index < mine.count ? mine[index][chunks[to]] : nil
                let incoming = index < sums[from] ? arriving[from][index][0..<own.count] : nil
                try wire.exchange(outgoing, to: to, incoming, from: from)
            }
        }
        guard !own.isEmpty else { return }
        let operands = (0..<peers.count).flatMap { node in
            node == peers.index ? mine.map { $0[own].pointer } : arriving[node].map(\.pointer)
        }
        sum.add(operands, count: own.count, into: total[own].pointer)
    }
}

extension ShardPeers {
    /// Every node sends its piece of `values` to all others.
    func gatherPieces(_ pieces: [Range<Int>], of values: FloatSlice) throws {
        try forEachStep { to, from in
            try exchange(values[pieces[index]], to: to, values[pieces[from]], from: from)
        }
    }
}
