import Dispatch

/// The threads of one rank. Work is cut into pieces that do not depend on the number of threads where that would change
/// a rounding, so that one rank with two threads gives the bits of two ranks with one.
public final class ThreadTeam: Sendable {
    public let size: Int
    /// Where the time of the rank goes.
    public let timeline = Timeline()
    /// One for each member, with room for the packed operands of a product; memory is taken at its first use.
    private let packing: [FloatArena]

    public init(size: Int) {
        precondition(size >= 1, "a team needs at least 1 thread, not \(size)")
        self.size = size
        packing = (0..<size).map { _ in FloatArena(count: Blocking.scratchCount) }
    }

    /// Bytes of scratch memory that a team has for its products.
    public static func packingBytes(size: Int) -> Int { size * Blocking.scratchCount * MemoryLayout<Float>.stride }

    /// The scratch memory of a member, for packed operands.
    func packing(of member: Int) -> FloatSlice { packing[member].all }

    /// Calls `body` once for each task in 0..<count, each on one thread, and returns when all are done. Task i runs on
    /// member i mod size, which `body` gets as its second argument (to choose its own scratch memory).
    public func forEachTask(_ count: Int, _ body: (_ task: Int, _ member: Int) -> Void) {
        if size == 1 || count <= 1 {
            for task in 0..<count { body(task, 0) }
            return
        }
        let members = min(size, count)
        forkAndJoin(members) { member in
            for task in stride(from: member, to: count, by: members) { body(task, member) }
        }
    }

    /// Cuts 0..<count into one contiguous range per thread, each a multiple of `unit` (but for the last), for work whose
    /// result does not depend on where it is cut. Short ranges are not worth a second thread: `minimum` is the least.
    public func forEachRange(of count: Int, unit: Int = 1, minimum: Int = 1, _ body: (Range<Int>) -> Void) {
        forEachRange(of: count, unit: unit, minimum: minimum) { range, _ in body(range) }
    }

    /// As above; `body` also gets the member that runs it.
    func forEachRange(of count: Int, unit: Int, minimum: Int, _ body: (_ range: Range<Int>, _ member: Int) -> Void) {
        let pieces = max(1, min(size, count / max(minimum, 1)))
        if pieces == 1 {
            if count > 0 { body(0..<count, 0) }
            return
        }
        let units = (count + unit - 1) / unit
        forkAndJoin(pieces) { piece in
            let begin = min(count, units * piece / pieces * unit)
            let end = min(count, units * (piece + 1) / pieces * unit)
            if begin < end { body(begin..<end, piece) }
        }
    }

    /// `body` shares views of arenas between the threads, which is why the compiler is not asked about it: every kernel
    /// gives each thread its own rows, columns or tiles to write.
    private func forkAndJoin(_ members: Int, _ body: (Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: members) { body($0) }
        }
    }
}
