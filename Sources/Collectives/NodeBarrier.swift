import CMPI
import Glibc

/// Where the ranks of a node wait for one another: a counter in shared memory and a futex.
///
/// It is also the memory barrier for all windows. They follow MPI's unified model (checked when one is made), where the
/// processes read and write one and the same memory; there a release and an acquire by C11 atomics order everything that
/// a rank wrote before its wait ahead of everything that any rank reads after it, as MPI_Win_sync around MPI_Barrier
/// would. Waiting ranks sleep, so that the cores belong to those that still compute.
final class NodeBarrier: Sendable {
    private let window: SharedWindow
    private let ranks: Int32
    private let spins: Int32

    /// Collective over the ranks of the node, of which `localRank` 0 prepares the memory.
    init(node: Int32, topology: NodeTopology, caller: MPICaller) throws {
        let bytes = topology.localRank == 0 ? Int(cmpi_node_barrier_bytes()) : 0
        window = try SharedWindow(node: node, bytes: bytes, caller: caller)
        ranks = Int32(topology.localSize)
        // With a core for every rank a look costs nothing and saves the waking (50 µs at most, then it sleeps anyway).
        spins = topology.ranksOnHost <= sysconf(Int32(_SC_NPROCESSORS_ONLN)) ? 1000 : 0
        if topology.localRank == 0 { cmpi_node_barrier_prepare(try window.address(of: 0)) }
        memory = UInt(bitPattern: try window.address(of: 0))
        // Prevents a rank from arriving before the memory is prepared.
        try caller.check(cmpi_barrier(node), "MPI_Barrier in the node")
    }

    /// The address of the barrier, as a number because pointers are not `Sendable`.
    private let memory: UInt

    func wait() { cmpi_node_barrier_wait(UnsafeMutableRawPointer(bitPattern: memory), ranks, spins) }
}
