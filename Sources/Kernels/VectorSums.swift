/// The largest element; `count` is at least 1.
@inline(__always) func maximum(_ x: UnsafePointer<Float>, count: Int) -> Float {
    var result = x[0]
    var j = 0
    if count >= 16 {
        var lanes = x.lanes(0)
        j = 16
        while j + 16 <= count {
            let next = x.lanes(j)
            lanes.replace(with: next, where: next .> lanes)
            j += 16
        }
        for lane in 0..<16 where lanes[lane] > result { result = lanes[lane] }
    }
    while j < count {
        if x[j] > result { result = x[j] }
        j += 1
    }
    return result
}

/// x = exp(x − shift) in place; returns the sum.
@inline(__always) func exponentiate(_ x: UnsafeMutablePointer<Float>, subtracting shift: Float, count: Int) -> Float {
    let shiftLanes = Lanes(repeating: shift)
    var (s0, s1) = (Lanes.zero, Lanes.zero)
    var j = 0
    while j + 32 <= count {
        let (a, b) = (exponential(x.lanes(j) - shiftLanes), exponential(x.lanes(j + 16) - shiftLanes))
        x.store(a, at: j)
        x.store(b, at: j + 16)
        s0 += a
        s1 += b
        j += 32
    }
    var sum = (s0 + s1).sum()
    while j < count {
        x[j] = exponential(x[j] - shift)
        sum += x[j]
        j += 1
    }
    return sum
}

/// x *= factor.
@inline(__always) func scale(_ x: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
    var j = 0
    while j < count.wholeLanes {
        x.store(x.lanes(j) * factor, at: j)
        j += 16
    }
    while j < count {
        x[j] *= factor
        j += 1
    }
}
