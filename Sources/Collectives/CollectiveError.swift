/// What can go wrong between processes. Every case says where, what was found and what would mend it.
public enum CollectiveError: Error, Equatable, CustomStringConvertible {
    /// An MPI call returned an error.
    case mpi(operation: String, rank: Int, host: String, text: String)
    /// The launcher and MPI disagree about the number of processes.
    case launch(String)
    /// `JREG_DEBUG_NODES` cannot be read, or does not fit the number of ranks.
    case debugNodes(setting: String, problem: String)
    case tooManyRanks(worldSize: Int, lanes: Int)
    case lanesNotAPowerOfTwo(Int)
    /// The place where shared memory is taken from has not enough room. Sizes are in bytes, for all ranks of the host.
    case sharedMemoryTooSmall(label: String, need: Int, free: Int, place: String, host: String)
    /// The kernel refused pages of shared memory although there seemed to be room.
    case sharedMemoryRefused(label: String, bytes: Int, place: String, host: String, text: String)
    /// The file system that shared memory is taken from cannot be examined.
    case sharedMemoryPlace(place: String, host: String, text: String)
    /// Another rank failed in a step that all take together.
    case onAnotherRank(rank: Int, message: String)
    /// The kernel's account of this process's memory could not be read.
    case memoryAccount(String)

    /// Whether every rank meets this error alike, so that one of them is enough to print it.
    public var isTheSameOnEveryRank: Bool {
        switch self {
        case .launch, .debugNodes, .tooManyRanks, .lanesNotAPowerOfTwo: true
        case .mpi, .sharedMemoryTooSmall, .sharedMemoryRefused, .sharedMemoryPlace, .onAnotherRank, .memoryAccount:
            false
        }
    }

    public var description: String {
        switch self {
        case .mpi(let operation, let rank, let host, let text):
            "\(operation) failed on rank \(rank) (\(host)): \(text)"
        case .launch(let message): message
        case .debugNodes(let setting, let problem):
            "JREG_DEBUG_NODES=\(setting): \(problem). It takes a number of nodes (2), the ranks of each node (3,1), or "
                + "a number of nodes that ranks are dealt out to in turn (2:cyclic)."
        case .tooManyRanks(let worldSize, let lanes):
            "\(worldSize) ranks were started, but the global batch is cut into \(lanes) lanes and every rank needs at "
                + "least one: start at most \(lanes) ranks, or set batch.lanes to \(worldSize.roundedUpToPowerOfTwo) "
                + "(a new run: the lanes are part of a run's arithmetic)."
        case .lanesNotAPowerOfTwo(let lanes):
            "batch.lanes is \(lanes), but must be a power of two, such as \(max(lanes, 1).roundedUpToPowerOfTwo): the "
                + "lanes are the leaves of the tree that gradients are summed in."
        case .sharedMemoryTooSmall(let label, let need, let free, let place, let host):
            "shared memory for \(label) needs \(need.asBytes), but \(place) on \(host) has \(free.asBytes) free. "
                + Self.remedy(place: place, need: need)
        case .sharedMemoryRefused(let label, let bytes, let place, let host, let text):
            "\(place) on \(host) refused \(bytes.asBytes) of shared memory for \(label): \(text). "
                + Self.remedy(place: place, need: bytes)
        case .sharedMemoryPlace(let place, let host, let text):
            "shared memory is taken from \(place), which cannot be used on \(host): \(text). Name a directory of a "
                + "local file system in OMPI_MCA_osc_sm_backing_directory."
        case .onAnotherRank(let rank, let message): "rank \(rank) failed: \(message)"
        case .memoryAccount(let problem): "/proc/self/smaps_rollup: \(problem)"
        }
    }

    private static func remedy(place: String, need: Int) -> String {
        "Enlarge it (in Docker: --shm-size; else: mount -o remount,size=… \(place)), name a directory of another local "
            + "file system in OMPI_MCA_osc_sm_backing_directory, or start fewer ranks on a node."
    }
}

extension Int {
    var isPowerOfTwo: Bool { self > 0 && nonzeroBitCount == 1 }

    /// The smallest power of two that is not below this positive number.
    var roundedUpToPowerOfTwo: Int { 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }

    /// "2.1 GB", in powers of 1000 as `df -H` prints them.
    var asBytes: String {
        var value = Double(self)
        for unit in ["bytes", "kB", "MB", "GB"] {
            if value < 1000 { return unit == "bytes" ? "\(self) bytes" : "\((value * 10).rounded() / 10) \(unit)" }
            value /= 1000
        }
        return "\((value * 10).rounded() / 10) TB"
    }
}
