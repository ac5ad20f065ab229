import Glibc

/// Softmax over x[first...last] in place, zeros in the rest of x[0..<count]; returns log Σ exp.
@inline(__always) func softmax(_ x: UnsafeMutablePointer<Float>, _ first: Int, _ last: Int, of count: Int) -> Float {
    let length = last - first + 1
    let row = x + first
    let maximum = maximum(row, count: length)
    let total = exponentiate(row, subtracting: maximum, count: length)
    scale(row, by: 1 / total, count: length)
    x.update(repeating: 0, count: first)
    (x + last + 1).update(repeating: 0, count: count - last - 1)
    return maximum + log(total)
}

/// Turns scores into probabilities p = exp(x − logSumExp) and dp into dx = p·(dp − rowSum)·scale, both in place, with
/// zeros outside first...last.
@inline(__always) func softmaxGradient(
    _ x: UnsafeMutablePointer<Float>, _ dp: UnsafeMutablePointer<Float>, _ first: Int, _ last: Int, of count: Int,
    logSumExp: Float, rowSum: Float, scale: Float
) {
    let (shift, sum, factor) = (Lanes(repeating: logSumExp), Lanes(repeating: rowSum), Lanes(repeating: scale))
    var j = first
    while j + 16 <= last + 1 {
        let p = exponential(x.lanes(j) - shift)
        x.store(p, at: j)
        dp.store(p * (dp.lanes(j) - sum) * factor, at: j)
        j += 16
    }
    while j <= last {
        let p = exponential(x[j] - logSumExp)
        x[j] = p
        dp[j] = p * (dp[j] - rowSum) * scale
        j += 1
    }
    for pointer in [x, dp] {
        pointer.update(repeating: 0, count: first)
        (pointer + last + 1).update(repeating: 0, count: count - last - 1)
    }
}

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
