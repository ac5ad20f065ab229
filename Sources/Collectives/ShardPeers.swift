import CMPI
import Kernels

/// The ranks with the same local index on all nodes: they own the same shard and combine it across nodes.
public final class ShardPeers: Sendable {
    private let communicator: Int32
    private let caller: MPICaller
    /// This node, as a rank among the peers.
    public let index: Int
    public let count: Int

    init(communicator: Int32, topology: NodeTopology, caller: MPICaller) {
        self.communicator = communicator
        self.caller = caller
        index = topology.nodeIndex
        count = topology.nodeCount
    }

    /// Calls `body` once for every other peer, with whom to send to and whom to receive from, so that every peer is sent
    /// to once, all links work at a time and nobody is flooded.
    func forEachStep(_ body: (_ to: Int, _ from: Int) throws -> Void) rethrows {
        for step in 1..<count { try body((index + step) % count, (index + count - step) % count) }
    }

    /// Sends `outgoing` to peer `to` while `incoming` arrives from peer `from`; a missing slice is not sent or awaited.
    func exchange(_ outgoing: FloatSlice?, to: Int, _ incoming: FloatSlice?, from: Int) throws {
        try caller.check(
            cmpi_exchange(
                communicator, Int32(to), outgoing?.pointer, Self.bytes(outgoing), Int32(from), incoming?.pointer,
                Self.bytes(incoming)),
            "MPI_Sendrecv with the nodes \(to) and \(from)")
    }

    /// Copies `values` of the first node to all.
    func broadcast(_ values: FloatSlice) throws {
        try caller.check(
            cmpi_broadcast(communicator, values.pointer, Self.bytes(values), 0), "MPI_Bcast across nodes")
    }

    func barrier() throws { try caller.check(cmpi_barrier(communicator), "MPI_Barrier across nodes") }

    private static func bytes(_ slice: FloatSlice?) -> Int64 {
        Int64((slice?.count ?? 0) * MemoryLayout<Float>.stride)
    }
}
