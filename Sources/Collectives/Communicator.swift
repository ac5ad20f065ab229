import Kernels

/// The processes of a run and what they can do together. Ranks are numbered in node order; rank 0 is the launcher's.
///
/// Unless said otherwise every method is collective: all ranks must call it, in the same order.
public protocol Communicator: AnyObject, Sendable {
    var rank: Int { get }
    var worldSize: Int { get }
    var topology: NodeTopology { get }
    /// Whether another thread than the main one may send messages while this one computes.
    var canSendInBackground: Bool { get }
    /// What carries the messages, for the banner.
    var library: String { get }
    /// The ranks that own the same shard as this one on the other nodes; nil on a single node and for a rank without a
    /// shard.
    var peers: ShardPeers? { get }
    /// What the ranks of this node show of their work.
    var board: VitalsBoard { get }
    /// Messages to the other nodes that no rank waits for; nil on a single node, for all but the first rank of a node, and
    /// where MPI lets no other thread than the main one send.
    var mail: NodeMail? { get }

    /// Returns when all ranks have called.
    func barrier() throws
    /// Returns when all ranks of this node have called. What they wrote to shared memory before is visible after.
    func nodeBarrier()
    /// The bytes that `root` passed, on every rank.
    func broadcast(_ bytes: [UInt8], from root: Int) throws -> [UInt8]
    /// What every rank passed, in rank order; the lengths may differ.
    func allGather(_ values: [Double]) throws -> [[Double]]
    func allReduceMax(_ value: Int) throws -> Int
    /// Replaces `values` by its sum over all ranks, in an order that is MPI's own choice.
    func allReduceSum(_ values: FloatSlice) throws
    /// Copies `values` of rank `source` into those of rank `destination`. Only these two need to call.
    func transfer(_ values: FloatSlice, from source: Int, to destination: Int) throws

    /// One arena of `count` floats, zero at first, that all ranks of a node see; every node has its own.
    ///
    /// Each owner of a shard is the first to touch it, so that it lies in the memory nearest to it.
    /// - Throws: on every rank, if any node has not the room; the message names the need, the place and the remedy.
    func allocateShared(floats count: Int, label: String) throws -> FloatArena
    /// One arena of `count` floats, zero at first, for each rank of the node, by local rank; all of them see all.
    func allocatePerRank(floats count: Int, label: String) throws -> [FloatArena]

    /// Ends all ranks at once. Not collective: any rank may call it at any time.
    func abort(code: Int32) -> Never
    /// Ends the use of MPI. No arena that this communicator allocated may be touched any more.
    func finalize() throws
}

/// The communicator that fits how this process was started: MPI under a launcher, else one process with no MPI at all.
/// - Throws: `CollectiveError.launch` where the launcher started several processes that cannot find one another.
public func makeCommunicator(_ launch: LaunchEnvironment = .current) throws -> any Communicator {
    switch launch.launcher {
    case .none: return LocalCommunicator()
    case .mpi:
        LauncherWatch.begin()
        return try MPICommunicator(launch)
    case .slurmWithoutMPI:
        throw CollectiveError.launch(
            "srun started \(launch.size ?? 0) tasks but gave MPI no way to find them, so each would train alone and "
                + "overwrite the others' checkpoints. Start with `srun --mpi=pmix` (what is there: `srun --mpi=list`), "
                + "or with `mpirun` inside the job.")
    }
}

extension Communicator {
    /// Runs `body` on every rank; where it throws on any, all throw: that rank its own error, the others
    /// `CollectiveError.onAnotherRank` with its message. No rank goes on, or waits, alone.
    public func together<Result>(_ body: () throws -> Result) throws -> Result {
        let outcome = Swift.Result { try body() }
        let message: String? = if case .failure(let error) = outcome { "\(error)" } else { nil }
        // The lowest failing rank has the largest number.
        let loudest = try allReduceMax(message == nil ? 0 : worldSize - rank)
        if loudest > 0 {
            let failing = worldSize - loudest
            let told = try broadcast(Array((message ?? "").utf8), from: failing)
            if message == nil {
                throw CollectiveError.onAnotherRank(rank: failing, message: String(decoding: told, as: UTF8.self))
            }
        }
        return try outcome.get()
    }

    /// The text of every rank, in rank order. Collective.
    public func gatherTexts(_ text: String) throws -> [String] {
        try allGather(text.utf8.map(Double.init)).map { String(decoding: $0.map { UInt8($0) }, as: UTF8.self) }
    }

    /// Copies a node-shared arena of rank 0's node into that of every other node.
    public func broadcastAcrossNodes(_ values: FloatSlice) throws {
        // Before: no rank still writes the source or reads a copy. After: every rank sees the whole of it.
        nodeBarrier()
        if let peers {
            let shard = ShardLayout(count: values.count, topology: topology).shard
            try peers.broadcast(values[shard])
        }
        nodeBarrier()
    }
}
