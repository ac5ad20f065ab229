import CMPI
import Synchronization

/// Memory that all ranks of a node see, from MPI_Win_allocate_shared, together with the life of it.
///
/// Freeing a window is collective, but the ranks let go of theirs when it suits each. So a window whose last user is gone
/// is only noted, and freed with `freeAbandoned` when every rank of the node has noted it.
final class SharedWindow: Sendable {
    let handle: Int32
    private let caller: MPICaller

    /// Collective over communicator `node`: this rank contributes room for `bytes`.
    init(node: Int32, bytes: Int, caller: MPICaller) throws {
        var handle: Int32 = 0
        // One page more: the memory begins after data of the library, and arenas begin on a page.
        try caller.check(
            cmpi_window_allocate(node, Int64(bytes > 0 ? bytes + Self.page : 0), &handle), "MPI_Win_allocate_shared")
        self.handle = handle
        self.caller = caller
        Self.abandoned.withLock { $0[handle] = false }
    }

    deinit { Self.abandoned.withLock { $0[handle] = true } }

    static let page = 4096

    /// Where the part of local rank `rank` begins in this process: on a page, the same one in every process.
    func address(of rank: Int) throws -> UnsafeMutableRawPointer {
        var address: UnsafeMutableRawPointer?
        try caller.check(cmpi_window_address(handle, Int32(rank), &address), "MPI_Win_shared_query")
        return address!.alignedUp(toMultipleOf: Self.page)
    }

    /// Of every window of this process: whether nobody here uses it any more.
    private static let abandoned = Mutex<[Int32: Bool]>([:])

    /// Collective over communicator `node`: frees the windows that no rank of it uses.
    static func freeAbandoned(node: Int32, caller: MPICaller) throws {
        // All ranks of a node have made the same windows, so the lists have the same order.
        let windows = abandoned.withLock { $0.sorted { $0.key < $1.key } }
        guard !windows.isEmpty else { return }
        var everywhere = windows.map { Int64($0.value ? 1 : 0) }
        try caller.check(cmpi_all_reduce_min(node, &everywhere, Int32(everywhere.count)), "MPI_Allreduce in the node")
        for (window, free) in zip(windows, everywhere) where free == 1 {
            try Self.free(window.key, caller: caller)
        }
    }

    /// Collective over all ranks of the node: frees every window, used or not.
    static func freeAll(caller: MPICaller) throws {
        for handle in abandoned.withLock({ $0.keys.sorted() }) { try free(handle, caller: caller) }
    }

    private static func free(_ handle: Int32, caller: MPICaller) throws {
        try caller.check(cmpi_window_free(handle), "MPI_Win_free")
        _ = abandoned.withLock { $0.removeValue(forKey: handle) }
    }
}
