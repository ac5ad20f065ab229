import CMPI
import CPlatform
import Glibc

/// The file system that MPI takes the memory of windows from, on one machine: `/dev/shm`, unless
/// OMPI_MCA_osc_sm_backing_directory or another of Open MPI's ways to set a parameter says otherwise.
///
/// It is often smaller than the memory (64 MB in a container), and MPI hands out windows that it cannot hold: the process
/// would die with SIGBUS at some later write. So the room is checked before, and the memory asked for at once.
struct SharedMemoryStore: Sendable {
    /// The communicator of all ranks on the machine.
    private let host: Int32
    private let caller: MPICaller
    /// Empty if the MPI library does not say.
    private let place: String

    init(host: Int32, caller: MPICaller) {
        self.host = host
        self.caller = caller
        place = textFromC(4096) { cmpi_window_directory($0, $1) }
    }

    /// Collective over the ranks of the machine: throws, on all of them, where there is not room for the sum of what they
    /// ask for. The lowest rank throws the error itself.
    func requireRoom(_ bytes: Int, label: String) throws {
        var status = statvfs()
        let failure = place.isEmpty || statvfs(place, &status) == 0 ? 0 : errno
        // Tables of the library and the rounding to pages.
        var need = Int64(bytes > 0 ? bytes + 256 << 10 : 0)
        try caller.check(cmpi_all_reduce_sum(host, &need, 1), "MPI_Allreduce in the host")
        // The least of what the ranks see, so that all come to one conclusion.
        let free = place.isEmpty || failure != 0 ? Int64.max : Int64(status.f_bavail) * Int64(status.f_frsize)
        var least = [free, Int64(caller.rank), Int64(-failure)]
        try caller.check(cmpi_all_reduce_min(host, &least, 3), "MPI_Allreduce in the host")

        let problem: CollectiveError? =
            if least[2] < 0 {
                .sharedMemoryPlace(place: place, host: caller.host, text: String(cString: strerror(Int32(-least[2]))))
            } else if need > least[0] {
                .sharedMemoryTooSmall(
                    label: label, need: Int(need), free: Int(least[0]), place: place, host: caller.host)
            } else {
                nil
            }
        guard need > 0, let problem else { return }
        let first = Int(least[1])
        throw caller.rank == first ? problem : .onAnotherRank(rank: first, message: "\(problem)")
    }

    /// Makes the kernel find the memory now, and this rank the first to touch it.
    func populate(_ address: UnsafeMutableRawPointer, bytes: Int, label: String) throws {
        let refusal = cplatform_populate(address, UInt(bytes))
        guard refusal != 0 else { return }
        throw CollectiveError.sharedMemoryRefused(
            label: label, bytes: bytes, place: place.isEmpty ? "the system" : place, host: caller.host,
            text: String(cString: strerror(refusal)))
    }
}
