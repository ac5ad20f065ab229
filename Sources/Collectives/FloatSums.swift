internal import CSIMD
import Kernels

/// Elementwise sums and sums of squares, in an order fixed by the length alone.
enum FloatSums {
    /// Bytes. Shared memory has small pages, at whose ends the hardware's own prefetching stops.
    private static let prefetchDistance = 4096

    static func add(_ left: FloatSlice, _ right: FloatSlice, into sum: FloatSlice) {
        precondition(left.count == sum.count && right.count == sum.count, "sums of unequal lengths")
        add(left.pointer, right.pointer, into: sum.pointer, count: sum.count)
    }

    /// `sum` may be `left` or `right`. Explicit vectors: the compiler's own loop gives up where they are the same.
    @inline(__always)
    static func add(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, into sum: UnsafeMutablePointer<Float>, count: Int
    ) {
        let a = UnsafeRawPointer(left)
        let b = UnsafeRawPointer(right)
        let c = UnsafeMutableRawPointer(sum)
        let stride = MemoryLayout<SIMD16<Float>>.stride
        let vectors = count / 16
        for offset in Swift.stride(from: 0, to: vectors * stride, by: stride) {
            csimd_prefetch(a + (offset + prefetchDistance))
            csimd_prefetch(b + (offset + prefetchDistance))
            let total =
                a.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
                + b.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
            c.storeBytes(of: total, toByteOffset: offset, as: SIMD16<Float>.self)
        }
        for index in (vectors * 16)..<count { sum[index] = left[index] + right[index] }
    }
}

/// The sum of squares of one block, in double precision: element `i` goes to partial sum `i mod 32`, and the partial sums
/// are added in `SummationTree` order. A square of a float is exact in a double.
struct SquaredNorm {
    private var partial = (SIMD8<Double>(), SIMD8<Double>(), SIMD8<Double>(), SIMD8<Double>())
    private var tail = [Double]()

    init() {}

    /// The next elements; a multiple of 32 of them, but for the last call.
    @inline(__always)
    mutating func add(_ values: UnsafePointer<Float>, count: Int) {
        precondition(tail.isEmpty, "a squared norm goes on behind its end")
        let bytes = UnsafeRawPointer(values)
        @inline(__always)
        func squares(_ element: Int) -> SIMD8<Double> {
            let loaded = bytes.loadUnaligned(
                fromByteOffset: element * MemoryLayout<Float>.stride, as: SIMD8<Float>.self)
            let wide = SIMD8<Double>(loaded)
            return wide * wide
        }
        let whole = count / 32 * 32
        for element in stride(from: 0, to: whole, by: 32) {
            partial.0 += squares(element)
            partial.1 += squares(element + 8)
            partial.2 += squares(element + 16)
            partial.3 += squares(element + 24)
        }
        for element in whole..<count { tail.append(Double(values[element]) * Double(values[element])) }
    }

    var value: Double {
        var sums = [Double](repeating: 0, count: 32)
        for lane in 0..<8 {
            sums[lane] = partial.0[lane]
            sums[lane + 8] = partial.1[lane]
            sums[lane + 16] = partial.2[lane]
            sums[lane + 24] = partial.3[lane]
        }
        for (lane, square) in tail.enumerated() { sums[lane] += square }
        return SummationTree.sum(0..<32, leaf: { sums[$0] }, add: +)
    }
}
