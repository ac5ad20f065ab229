import CMPI
import Foundation
import Kernels

/// The ranks of an MPI job, renumbered so that those of a node are neighbours, however the launcher placed them.
public final class MPICommunicator: Communicator {
    public let topology: NodeTopology
    public let library: String
    public let canSendInBackground: Bool
    public let peers: ShardPeers?
    public let board: VitalsBoard
    public let mail: NodeMail?
    private let world: Int32
    /// The ranks of this node.
    let node: Int32
    let store: SharedMemoryStore
    let caller: MPICaller
    private let waiting: NodeBarrier

    public var rank: Int { topology.rank }
    public var worldSize: Int { topology.worldSize }

    /// Starts MPI. Collective over all processes of the job.
    /// - Throws: `CollectiveError.launch` if MPI finds fewer processes than the launcher started,
    ///   `CollectiveError.debugNodes` for a setting that does not fit.
    public init(_ launch: LaunchEnvironment) throws {
        // MPI waits by polling. Yielding between polls costs nothing on an idle core, and on a shared one it is what lets
        // the awaited rank compute. A value that the user set stays.
        setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0)
        var caller = MPICaller(rank: launch.rank, host: ProcessInfo.processInfo.hostName)
        var level: Int32 = 0
        try caller.check(cmpi_initialize(&level), "MPI_Init_thread")
        let launched = try Self.rankAndSize(Int32(CMPI_WORLD), caller)
        if let expected = launch.size, expected > 1, launched.size == 1 {
            try caller.check(cmpi_finalize(), "MPI_Finalize")
            throw CollectiveError.launch(
                "the launcher started \(expected) processes, but MPI sees only this one, so each would train alone and "
                    + "overwrite the others' checkpoints. The usual cause is an mpirun of another MPI installation than "
                    + "the library in use: compare `mpirun --version` with what `ldd` shows for libmpi, and under Slurm "
                    + "start with `srun --mpi=pmix`.")
        }
        var name = ""
        var code: Int32 = 0
        name = textFromC(256) { code = cmpi_host($0, $1) }
        try caller.check(code, "MPI_Get_processor_name")
        caller.host = name

        let pretended = try DebugNodes.nodes(
            setting: ProcessInfo.processInfo.environment["JREG_DEBUG_NODES"], worldSize: launched.size)
        let host = try Self.make("MPI_Comm_split_type", caller) { cmpi_split_by_host(Int32(CMPI_WORLD), $0) }
        let node = try Self.make("MPI_Comm_split by node", caller) {
            cmpi_split(host, Int32(pretended[launched.rank]), 0, $0)
        }
        // A node is named by its lowest launched rank; sorted by that name and then by rank, nodes become neighbours.
        var leader = Int64(launched.rank)
        try caller.check(cmpi_broadcast(node, &leader, 8, 0), "MPI_Bcast in the node")
        world = try Self.make("MPI_Comm_split in node order", caller) {
            cmpi_split(Int32(CMPI_WORLD), 0, Int32(leader), $0)
        }
        var leaders = [Int64](repeating: 0, count: launched.size)
        try caller.check(cmpi_all_gather(world, &leader, 8, &leaders), "MPI_Allgather")
        var ranksPerNode: [Int] = []
        for (rank, leader) in leaders.enumerated() {
            if rank == 0 || leader != leaders[rank - 1] { ranksPerNode.append(0) }
            ranksPerNode[ranksPerNode.count - 1] += 1
        }
        let topology = NodeTopology(
            rank: try Self.rankAndSize(world, caller).rank, ranksPerNode: ranksPerNode, hostName: name,
            ranksOnHost: try Self.rankAndSize(host, caller).size)
        caller.rank = topology.rank

        let owner = topology.nodeCount > 1 && topology.localRank < topology.ownersPerNode
        let across = try Self.make("MPI_Comm_split across nodes", caller) { [world] in
            cmpi_split(world, owner ? Int32(topology.localRank) : Int32(CMPI_NONE), 0, $0)
        }
        peers = owner ? ShardPeers(communicator: across, topology: topology, caller: caller) : nil
        store = SharedMemoryStore(host: host, caller: caller)
        waiting = try NodeBarrier(node: node, topology: topology, store: store, caller: caller)
        board = try VitalsBoard(node: node, topology: topology, store: store, caller: caller)
        let levels = ["single", "funneled", "serialized", "multiple"]
        // "Open MPI v4.1.4, package: …": the name and the version are what tells.
        let release = textFromC(256) { cmpi_library($0, $1) }.prefix { $0 != "," && $0 != "\n" }
        canSendInBackground = Int(level) == CMPI_THREAD_MULTIPLE
        let writes = topology.nodeCount > 1 && topology.localRank == 0 && canSendInBackground
        let firsts = try Self.make("MPI_Comm_split of first ranks", caller) { [world] in
            cmpi_split(world, writes ? 0 : Int32(CMPI_NONE), 0, $0)
        }
        mail = writes ? NodeMail(communicator: firsts, topology: topology, caller: caller) : nil
        library = release + ", thread level \(levels[Int(level)])"
        self.node = node
        self.topology = topology
        self.caller = caller
    }

    private static func rankAndSize(_ communicator: Int32, _ caller: MPICaller) throws -> (rank: Int, size: Int) {
        var rank: Int32 = 0
        var size: Int32 = 0
        try caller.check(cmpi_rank(communicator, &rank), "MPI_Comm_rank")
        try caller.check(cmpi_size(communicator, &size), "MPI_Comm_size")
        return (Int(rank), Int(size))
    }

    private static func make(
        _ operation: String, _ caller: MPICaller, _ body: (UnsafeMutablePointer<Int32>) -> Int32
    ) throws -> Int32 {
        var communicator: Int32 = 0
        try caller.check(body(&communicator), operation)
        return communicator
    }

    // MARK: - Messages

    /// The ranks of a node meet here before each message to the world: who is early sleeps here instead of polling in
    /// MPI. (It guards no memory.)
    public func nodeBarrier() { waiting.wait() }

    public func barrier() throws {
        // No rank of this node is behind when the nodes meet, and none goes on before they have met.
        nodeBarrier()
        guard topology.nodeCount > 1 else { return }
        if topology.localRank == 0, let peers { try peers.barrier() }
        nodeBarrier()
    }

    public func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8] {
        nodeBarrier()
        var count = Int64(bytes.count)
        try caller.check(cmpi_broadcast(world, &count, 8, Int32(root)), "MPI_Bcast of a length")
        var received = rank == root ? bytes : [UInt8](repeating: 0, count: Int(count))
        try caller.check(cmpi_broadcast(world, &received, count, Int32(root)), "MPI_Bcast")
        return received
    }

    public func allGather(_ values: [Double]) throws -> [[Double]] {
        nodeBarrier()
        var count = Int64(values.count)
        var counts = [Int64](repeating: 0, count: worldSize)
        try caller.check(cmpi_all_gather(world, &count, 8, &counts), "MPI_Allgather of lengths")
        let width = Int(counts.max()!)
        let mine = values + [Double](repeating: 0, count: width - values.count)
        var all = [Double](repeating: 0, count: width * worldSize)
        try caller.check(
            cmpi_all_gather(world, mine, Int64(width * MemoryLayout<Double>.stride), &all), "MPI_Allgather")
        return counts.enumerated().map { Array(all[($0.offset * width)...].prefix(Int($0.element))) }
    }

    public func allReduceMax(_ value: Int) throws -> Int {
        nodeBarrier()
        var value = Int64(value)
        try caller.check(cmpi_all_reduce_max(world, &value, 1), "MPI_Allreduce of a maximum")
        return Int(value)
    }

    public func allReduceSum(_ values: FloatSlice) throws {
        nodeBarrier()
        try caller.check(cmpi_all_reduce_sum_floats(world, values.pointer, Int64(values.count)), "MPI_Allreduce")
    }

    public func transfer(_ values: FloatSlice, from source: Int, to destination: Int) throws {
        guard source != destination, rank == source || rank == destination else { return }
        let bytes = Int64(values.count * MemoryLayout<Float>.stride)
        let none = Int32(CMPI_NONE)
        if rank == source {
            try caller.check(
                cmpi_exchange(world, Int32(destination), values.pointer, bytes, none, nil, 0),
                "MPI_Send to rank \(destination)")
        } else {
            try caller.check(
                cmpi_exchange(world, none, nil, 0, Int32(source), values.pointer, bytes),
                "MPI_Recv from rank \(source)")
        }
    }

    // MARK: - The end

    public func abort(code: Int32) -> Never { cmpi_abort(code) }

    public func finalize() throws {
        // No rank may free memory that another of its node still reads.
        try barrier()
        board.close()
        try SharedWindow.freeAll(caller: caller)
        try caller.check(cmpi_finalize(), "MPI_Finalize")
    }
}
