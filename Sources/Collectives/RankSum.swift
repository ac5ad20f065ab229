/// Adds float vectors that are sums over ranks, in `SummationTree` order over the ranks.
///
/// Works in slices that stay in the first-level cache, so memory is read once per summand and written once.
final class RankSum {
    /// The ranks that each summand is a sum over, in order. Together they are one subtree.
    let summands: [Range<Int>]
    private let whole: Range<Int>
    private let scratch: UnsafeMutablePointer<Float>
    /// A multiple of 32, as `SquaredNorm` wants it.
    private static let slice = 4096

    init(_ summands: [Range<Int>]) {
        self.summands = summands
        whole = summands.first!.lowerBound..<summands.last!.upperBound
        let depth = Int.bitWidth - whole.count.leadingZeroBitCount + 1
        scratch = .allocate(capacity: depth * Self.slice)
    }

    deinit { scratch.deallocate() }

    /// `result` may be one of the `operands`, of which there is one for each summand. `finished` gets each piece of the
    /// sum while it is in the cache.
    func add(
        _ operands: [UnsafeMutablePointer<Float>], count: Int, into result: UnsafeMutablePointer<Float>,
        finished: (_ sum: UnsafePointer<Float>, _ count: Int) -> Void = { _, _ in }
    ) {
        precondition(operands.count == summands.count, "\(operands.count) operands for \(summands.count) summands")
        if operands.count == 1 {
            if operands[0] != result { result.update(from: operands[0], count: count) }
            finished(result, count)
            return
        }
        let middle = SummationTree.split(whole)
        operands.withUnsafeBufferPointer { operands in
            for begin in stride(from: 0, to: count, by: Self.slice) {
                var slice = Slice(operands: operands, offset: begin, count: min(Self.slice, count - begin))
                // Only the last addition writes to `result`: before that it may be an operand still to be read.
                let left = value(of: whole.lowerBound..<middle, in: &slice, place: 0, free: 1)
                let right = value(of: middle..<whole.upperBound, in: &slice, place: 1, free: 2)
                FloatSums.add(left, right, into: result + begin, count: slice.count)
                finished(result + begin, slice.count)
            }
        }
    }

    private struct Slice {
        let operands: UnsafeBufferPointer<UnsafeMutablePointer<Float>>
        let offset: Int
        let count: Int
        /// The next summand, as the tree is walked from left to right.
        var next = 0
    }

    /// Where the sum over `ranks` is: in an operand, or computed into scratch slice `place` with the help of those from
    /// `free` on.
    private func value(of ranks: Range<Int>, in slice: inout Slice, place: Int, free: Int) -> UnsafePointer<Float> {
        if summands[slice.next] == ranks {
            defer { slice.next += 1 }
            return UnsafePointer(slice.operands[slice.next] + slice.offset)
        }
        let middle = SummationTree.split(ranks)
        let left = value(of: ranks.lowerBound..<middle, in: &slice, place: place, free: free)
        let right = value(of: middle..<ranks.upperBound, in: &slice, place: free, free: free + 1)
        let sum = scratch + place * Self.slice
        FloatSums.add(left, right, into: sum, count: slice.count)
        return UnsafePointer(sum)
    }
}
