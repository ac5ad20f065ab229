import CMPI
import Glibc
import Kernels

/// Where the ranks of a node wait for one another: a counter in shared memory and a futex.
///
/// It is also the memory barrier for all windows. They follow MPI's unified model (checked when one is made), where the
/// processes read and write one and the same memory; there a release and an acquire by C11 atomics order everything that
/// a rank wrote before its wait ahead of everything that any rank reads after it, as MPI_Win_sync around MPI_Barrier
/// would. Waiting ranks sleep, so that the cores belong to those that still compute.
final class NodeBarrier: Sendable {
    /// Nil where a rank is alone on its node.
    private let window: SharedWindow?
    /// The address of the barrier, as a number because pointers are not `Sendable`.
    private let memory: UInt
    private let ranks: Int32
    private let spins: Int32

    /// Collective over the ranks of the machine; those of communicator `node` will wait for one another.
    init(node: Int32, topology: NodeTopology, store: SharedMemoryStore, caller: MPICaller) throws {
        ranks = Int32(topology.localSize)
        // With a core for every rank a look costs nothing and saves the waking (50 µs at most, then it sleeps anyway).
        spins = topology.ranksOnHost <= sysconf(Int32(_SC_NPROCESSORS_ONLN)) ? 1000 : 0
        let bytes = topology.localRank == 0 && topology.localSize > 1 ? Int(cmpi_node_barrier_bytes()) : 0
        try store.requireRoom(bytes, label: "the node's barrier")
        guard topology.localSize > 1 else {
            window = nil
            memory = 0
            return
        }
        let window = try SharedWindow(node: node, bytes: bytes, caller: caller)
        let address = try window.address(of: 0)
        if topology.localRank == 0 {
            try store.populate(address, bytes: bytes, label: "the node's barrier")
            cmpi_node_barrier_prepare(address)
        }
        // Prevents a rank from arriving before the memory is prepared.
        try caller.check(cmpi_barrier(node), "MPI_Barrier in the node")
        self.window = window
        memory = UInt(bitPattern: address)
    }

    func wait() {
        guard window != nil else { return }
        Vitals.waiting { cmpi_node_barrier_wait(UnsafeMutableRawPointer(bitPattern: memory), ranks, spins) }
    }
}
