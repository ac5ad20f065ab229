import Kernels

/// The squared norm of a flat arena, from one double per block of `ShardLayout`. Blocks are the same whatever the number
/// of ranks, and their norms are added in `SummationTree` order, so the sum has the same bits everywhere.
final class BlockNorms {
    private let communicator: any Communicator
    private let layout: ShardLayout
    /// Shared by the ranks of the node: one double, in the room of two floats, for each block.
    private let storage: FloatSlice
    private static let width = MemoryLayout<Double>.stride / MemoryLayout<Float>.stride

    init(communicator: any Communicator, layout: ShardLayout) throws {
        self.communicator = communicator
        self.layout = layout
        storage = try communicator.allocateShared(floats: layout.blockCount * Self.width, label: "gradient norms").all
    }

    /// Notes the squared norms of `blocks` of `values`.
    func measure(_ blocks: Range<Int>, _ values: FloatSlice) {
        for block in blocks {
            let range = layout.floats(block..<(block + 1))
            var norm = SquaredNorm()
            norm.add(values[range].pointer, count: range.count)
            note(norm, of: block)
        }
    }

    func note(_ norm: SquaredNorm, of block: Int) {
        let value = norm.value
        withNorms { $0[block] = value }
    }

    /// The squared norm of the whole, once every rank has noted its shard, or its piece of it if they are gathered
    /// `acrossNodes`. Collective.
    func gather(acrossNodes: Bool) throws -> Double {
        if acrossNodes, let peers = communicator.peers {
            let pieces = (0..<peers.count).map { node in
                let blocks = layout.pieceBlocks(communicator.topology.localRank, node: node)
                return (blocks.lowerBound * Self.width)..<(blocks.upperBound * Self.width)
            }
            try peers.gatherPieces(pieces, of: storage)
        }
        // No rank may add norms, or read sums, that their owner still writes.
        communicator.nodeBarrier()
        guard layout.blockCount > 0 else { return 0 }
        return withNorms { norms in
            SummationTree.sum(0..<layout.blockCount, leaf: { norms[$0] }, add: +)
        }
    }

    private func withNorms<Result>(_ body: (UnsafeMutablePointer<Double>) -> Result) -> Result {
        storage.pointer.withMemoryRebound(to: Double.self, capacity: layout.blockCount, body)
    }
}
