/// Sixteen floats: one AVX-512 register, or two of AVX2. The unit in which every kernel works.
typealias Lanes = SIMD16<Float>

extension UnsafePointer<Float> {
    /// The sixteen floats from element `index` on, at any alignment.
    @inline(__always) func lanes(_ index: Int) -> Lanes {
        UnsafeRawPointer(self + index).loadUnaligned(as: Lanes.self)
    }
}

extension UnsafeMutablePointer<Float> {
    /// The sixteen floats from element `index` on, at any alignment.
    @inline(__always) func lanes(_ index: Int) -> Lanes {
        UnsafeRawPointer(self + index).loadUnaligned(as: Lanes.self)
    }

    @inline(__always) func store(_ lanes: Lanes, at index: Int) {
        UnsafeMutableRawPointer(self + index).storeBytes(of: lanes, as: Lanes.self)
    }
}

extension Int {
    /// The largest multiple of the register width that is at most this.
    @inline(__always) var wholeLanes: Int { self & ~15 }
}

/// x · y. Four accumulators hide the latency of the multiply-add; the order of summation is fixed by `count` alone.
@inline(__always) func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int) -> Float {
    var (s0, s1, s2, s3) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var index = 0
    while index + 64 <= count {
        s0.addProduct(x.lanes(index), y.lanes(index))
        s1.addProduct(x.lanes(index + 16), y.lanes(index + 16))
        s2.addProduct(x.lanes(index + 32), y.lanes(index + 32))
        s3.addProduct(x.lanes(index + 48), y.lanes(index + 48))
        index += 64
    }
    while index + 16 <= count {
        s0.addProduct(x.lanes(index), y.lanes(index))
        index += 16
    }
    var sum = ((s0 + s1) + (s2 + s3)).sum()
    while index < count {
        sum.addProduct(x[index], y[index])
        index += 1
    }
    return sum
}
