extension FloatSlice {
    /// The first element that is infinite or no number; nil where all are finite.
    public var firstNonFinite: Int? {
        let values = pointer
        var begin = 0
        while begin < count {
            let end = min(begin + 4096, count)
            if !isFinite(values + begin, count: end - begin) {
                return (begin..<end).first { !values[$0].isFinite }
            }
            begin = end
        }
        return nil
    }
}

/// 0 · x is 0 for every finite x, and no number for every other: one sum tells of all.
private func isFinite(_ x: UnsafePointer<Float>, count: Int) -> Bool {
    var sums = Lanes.zero
    for index in stride(from: 0, to: count.wholeLanes, by: 16) { sums.addProduct(x.lanes(index), Lanes.zero) }
    var sum = sums.sum()
    for index in count.wholeLanes..<count { sum += x[index] * 0 }
    return sum == 0
}
