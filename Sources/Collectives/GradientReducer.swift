import Kernels

/// Sums the gradients of all lanes over all ranks, and hands each rank the part of the sum that it updates with.
///
/// A step is: `beginLane`, backward, `endLane` for each of this rank's lanes; `reduce`; the update of `ownedRange` from
/// `ownedGradient`; `publish`. All floats are those of one flat arena of `count`, in the layout of the parameters.
public final class GradientReducer {
    public enum Mode: String, Sendable, CaseIterable {
        /// In `SummationTree` order over lanes: the same bits for every world size that is a power of two.
        case reproducible
        /// One arena per rank, and MPI_Allreduce in whatever order MPI chooses.
        case fast
    }

    public let mode: Mode
    public let sharding: Sharding
    /// The floats of the arena that this rank updates; empty for a rank that owns no shard.
    public let ownedRange: Range<Int>

    let communicator: any Communicator
    let layout: ShardLayout
    /// Gradients of the node's ranks by local rank, readable here; in the fast mode this rank's alone.
    let gradients: [FloatSlice]
    /// Where the global sum is assembled: the first gradient of the node (or this rank's own, in the fast mode).
    let total: FloatSlice
    /// Sums over this node's ranks, as few as the tree allows: one, unless nodes are of unequal size.
    let nodeSums: [RankSum]
    /// Adds the sums of all nodes; nil on a single node.
    let worldSum: WorldSum?
    private let norms: BlockNorms
    private var lanes: LaneStack
    /// Between nodes, while the backward pass goes on; nil where there is nothing to gain, or MPI cannot do it.
    private var background: BackgroundReduction?

    /// Collective.
    /// - Parameters:
    ///   - count: floats of the flat arena.
    ///   - lanes: lanes of the global batch, over all ranks.
    ///   - wire: how gradients travel between nodes; in the fast mode MPI sends them, as they are.
    /// - Throws: `CollectiveError` for lanes that do not fit the ranks, and where shared memory is too small.
    public init(
        communicator: any Communicator, count: Int, lanes: Int, mode: Mode = .reproducible, sharding: Sharding = .node,
        wire: WireFormat = .fp32
    ) throws {
        self.communicator = communicator
        self.mode = mode
        self.sharding = sharding
        let topology = communicator.topology
        let assignment = try LaneAssignment(lanes: lanes, worldSize: topology.worldSize)
        layout = ShardLayout(count: count, topology: topology)
        ownedRange = layout.owned(sharding)

        switch mode {
        case .reproducible:
            gradients = try communicator.allocatePerRank(floats: count, label: "the ranks' gradients").map(\.all)
            let mine = gradients[topology.localRank]
            let more = (1..<assignment.arenas(of: topology.rank)).map { _ in FloatArena(count: count).all }
            self.lanes = LaneStack(arenas: [mine] + more, lanes: assignment.lanes(of: topology.rank).count)
        case .fast:
            gradients = [FloatArena(count: count).all]
            self.lanes = LaneStack(arenas: gradients, lanes: 1)
        }
        total = gradients[0]
        let nodes = (0..<topology.nodeCount).map { node in
            SummationTree.subtrees(within: topology.ranks(ofNode: node), of: 0..<topology.worldSize)
        }
        nodeSums = nodes[topology.nodeIndex].map { ranks in RankSum(ranks.map { $0..<($0 + 1) }) }
        worldSum = communicator.peers.map { WorldSum(peers: $0, nodes: nodes, format: wire) }
        norms = try BlockNorms(communicator: communicator, layout: layout)
        // A shard that is spread over the world is cut into pieces that are completed one after the other.
        if topology.nodeCount > 1 && mode == .reproducible && sharding == .node && communicator.canSendInBackground {
            background = BackgroundReduction(
                progress: try GradientProgress(communicator: communicator, count: count),
                blocks: layout.shardBlocks(topology.localRank),
                groupSize: topology.nodeCount * (worldSum?.chunkBlocks ?? 1))
        }
    }

    // MARK: - Lanes

    /// Whether every lane of this rank is added to what `beginLane` returns (`fast`), instead of overwriting it.
    public var accumulatesAcrossLanes: Bool { mode == .fast }

    /// The arena that lane `localLane` of this rank (0, 1, … in order) writes its gradient to. Its content is undefined
    /// at first; in the fast mode it holds the sum of the lanes before, from the second lane on.
    public func beginLane(_ localLane: Int) -> FloatSlice {
        mode == .fast ? gradients[0] : lanes.begin(localLane)
    }

    /// Adds the gradient of lane `localLane` to those before, as far as the tree allows.
    public func endLane(_ localLane: Int) {
        if mode == .reproducible { lanes.end(localLane) }
    }

    /// Lets the reduction between nodes begin while the last lane of this rank is still computed: after this, `finished`
    /// says how far it is. Optional; the sums are the same bits. All ranks must call it in a step, or none.
    public func beginReducing() { background?.start { [self] in try reduce(blocks: $0) } }

    /// The gradient of this rank's last lane is complete from float `first` on.
    public func finished(from first: Int) {
        guard let background else { return }
        lanes.finishLast(from: first)
        background.finished(from: first)
    }

    // MARK: - Reduction

    /// Sums the gradients of all ranks, after the last `endLane`. Collective.
    /// - Returns: the squared L2 norm of the global sum, with the same bits on every rank.
    public func reduce() throws -> Double {
        precondition(lanes.isComplete, "reduce() before the last lane of this rank has ended")
        switch mode {
        case .reproducible:
            if try background?.wait() != true {
                // No owner may read the gradient of a neighbour who still writes it.
                communicator.nodeBarrier()
                try reduce(blocks: layout.shardBlocks(communicator.topology.localRank))
            }
        case .fast:
            try communicator.allReduceSum(total)
            let topology = communicator.topology
            norms.measure(layout.pieceBlocks(topology.localRank, node: topology.nodeIndex), total)
        }
        // Where each node has the whole sum, it has measured all of it too.
        return try norms.gather(acrossNodes: mode == .fast || sharding == .world)
    }

    /// Sums `blocks` of this rank's shard over the world. Every peer must call with the same blocks.
    func reduce(blocks: Range<Int>) throws {
        let topology = communicator.topology
        guard let worldSum else {
            for block in blocks {
                var norm = SquaredNorm()
                addNode(layout.floats(block..<(block + 1))) { norm.add($0, count: $1) }
                norms.note(norm, of: block)
            }
            return
        }
        // Where each node keeps the whole sum it does not matter who adds which part: all add the same amount.
        let pieces = (0..<topology.nodeCount).map { node in
            sharding == .node
                ? ShardLayout.part(node, of: topology.nodeCount, in: blocks)
                : layout.pieceBlocks(topology.localRank, node: node).clamped(to: blocks)
        }
        for start in stride(from: 0, to: pieces.map(\.count).max()!, by: worldSum.chunkBlocks) {
            let chunks = pieces.map { piece in
                let begin = min(piece.lowerBound + start, piece.upperBound)
                return begin..<min(begin + worldSum.chunkBlocks, piece.upperBound)
            }
            let ranges = chunks.map { layout.floats($0) }
            for range in ranges { addNode(range) }
            try worldSum.add(ranges, of: nodeSums.map { gradient(ofRank: $0.summands[0].lowerBound) }, into: total)
            if sharding == .world { norms.measure(chunks[topology.nodeIndex], total) }
        }
        if sharding == .node {
            worldSum.wire.round(total[layout.floats(pieces[topology.nodeIndex])])
            try worldSum.wire.gatherPieces(pieces.map { layout.floats($0) }, of: total)
            norms.measure(blocks, total)
        }
    }

    /// Sums `range` over this node's ranks; each sum lands in the gradient of the first rank it is over.
    /// `finished` gets each piece of each sum; on a single node there is one sum.
    private func addNode(
        _ range: Range<Int>, finished: (_ sum: UnsafePointer<Float>, _ count: Int) -> Void = { _, _ in }
    ) {
        guard !range.isEmpty else { return }
        for sum in nodeSums {
            let operands = sum.summands.map { gradient(ofRank: $0.lowerBound)[range].pointer }
            sum.add(operands, count: range.count, into: operands[0], finished: finished)
        }
    }

    private func gradient(ofRank rank: Int) -> FloatSlice {
        gradients[rank - communicator.topology.ranks(ofNode: communicator.topology.nodeIndex).lowerBound]
    }

    // MARK: - Update

    /// The global sum of the gradients over `ownedRange`, between `reduce` and `publish`.
    public var ownedGradient: FloatSlice { total[ownedRange] }

    /// Makes the weights that their owners have updated visible to all ranks. Ends the step. Collective.
    /// - Parameter parameters: the node-shared arena of all weights, of which each rank has updated `ownedRange`.
    public func publish(_ parameters: FloatSlice) throws {
        precondition(parameters.count == layout.count, "\(parameters.count) parameters for \(layout.count) gradients")
        if sharding == .world, let peers = communicator.peers {
            let pieces = (0..<peers.count).map {
                layout.floats(layout.pieceBlocks(communicator.topology.localRank, node: $0))
            }
            try peers.gatherPieces(pieces, of: parameters)
        }
        // No rank may read weights that their owner still writes, nor overwrite a gradient whose owner still reads it.
        communicator.nodeBarrier()
    }
}
