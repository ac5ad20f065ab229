import CPlatform
import Glibc

/// A flat block of 32-bit floats that outlives every view of it. Aligned to a page, zero at first.
///
/// All numbers of the trainer live in a few of these: parameters, the two AdamW moments, gradients, activations.
/// An arena is plain private memory, or (from `Collectives`) a window that all ranks of a node see.
public final class FloatArena: @unchecked Sendable {
    public let count: Int
    let base: UnsafeMutablePointer<Float>
    /// What must stay alive as long as the memory is used, for memory that somebody else owns.
    private let owner: AnyObject?

    /// Reserves `count` floats of private memory. Pages are taken from the system at their first use.
    public init(count: Int) {
        precondition(count >= 0, "an arena cannot hold \(count) floats")
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        let address = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let address, address != MAP_FAILED else {
            fatalError("the system refused \(bytes) bytes of memory: \(String(cString: strerror(errno)))")
        }
        cplatform_advise_huge_pages(address, UInt(bytes))
        self.count = count
        self.base = address.bindMemory(to: Float.self, capacity: max(count, 1))
        self.owner = nil
    }

    /// Presents memory that `owner` holds, such as a shared window, as an arena.
    public init(borrowing base: UnsafeMutablePointer<Float>, count: Int, owner: AnyObject) {
        self.count = count
        self.base = base
        self.owner = owner
    }

    deinit {
        if owner == nil { munmap(base, max(count, 1) * MemoryLayout<Float>.stride) }
    }

    /// The whole arena as one view.
    public var all: FloatSlice { FloatSlice(arena: self, offset: 0, count: count) }
}
