/// output[t, j] = input[t, j] · inverseRMS[t] · weight[j] with inverseRMS[t] = 1/√(mean_j input[t, j]² + ε).
/// output, input: [rows, width]; weight: [width]; inverseRMS: [rows], kept for the backward pass.
/// Zhang and Sennrich, arXiv 1910.07467.
public func rmsNormForward(
    output: FloatSlice, inverseRMS: FloatSlice, input: FloatSlice, weight: FloatSlice, epsilon: Float,
    on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.norms) }
    let width = weight.count
    let rows = inverseRMS.count
    precondition(input.count == rows * width && output.count == rows * width, "RMSNorm of \(rows) rows of \(width)")
    let (x, y, w, inverse) = (input.pointer, output.pointer, weight.pointer, inverseRMS.pointer)
    team.forEachRange(of: rows, minimum: 32) { range in
        for row in range {
            let x = x + row * width
            let meanSquare = dot(x, x, count: width) / Float(width)
            let scale = 1 / (meanSquare + epsilon).squareRoot()
            inverse[row] = scale
            scaleByWeight(y + row * width, x, w, scale: scale, width: width)
        }
    }
}

/// The forward's output anew from its kept `inverseRMS`, with the same bits, so that it need not be stored.
public func rmsNormRecompute(
    output: FloatSlice, inverseRMS: FloatSlice, input: FloatSlice, weight: FloatSlice, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.norms) }
    let width = weight.count
    precondition(input.count == output.count && output.count == inverseRMS.count * width, "RMSNorm shapes differ")
    let (x, y, w, inverse) = (input.pointer, output.pointer, weight.pointer, inverseRMS.pointer)
    team.forEachRange(of: inverseRMS.count, minimum: 32) { range in
        for row in range {
            scaleByWeight(y + row * width, x + row * width, w, scale: inverse[row], width: width)
        }
    }
}

/// dInput[t] (+)= r·(w∘dy) − x·r³/width·Σ(w∘dy∘x) and dWeight (+)= Σ_t dy∘x·r, with r = inverseRMS[t].
/// dInput is added to, dWeight too when `accumulate`, else it is overwritten.
public func rmsNormBackward(
    dInput: FloatSlice, dWeight: FloatSlice, dOutput: FloatSlice, input: FloatSlice, inverseRMS: FloatSlice,
    weight: FloatSlice, accumulate: Bool, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.norms) }
    let width = weight.count
    let rows = inverseRMS.count
    precondition(
        dInput.count == rows * width && dOutput.count == rows * width && input.count == rows * width
            && dWeight.count == width, "RMSNorm backward of \(rows) rows of \(width)")
    let (dx, dy, x) = (dInput.pointer, dOutput.pointer, input.pointer)
    let (w, dw, inverse) = (weight.pointer, dWeight.pointer, inverseRMS.pointer)
    team.forEachRange(of: rows, minimum: 32) { range in
        for row in range {
            let start = row * width
            let projection = tripleProduct(w, dy + start, x + start, count: width)
            let r = inverse[row]
            addNormGradient(
                dx + start, dy + start, x + start, w, r: r, s: -projection * r * r * r / Float(width), width: width)
        }
    }
    if !accumulate { dWeight.fill(0) }
    // By columns, so that each sum runs over the rows in order however many threads there are.
    team.forEachRange(of: width, unit: 16, minimum: 128) { columns in
        for row in 0..<rows {
            addScaledProduct(dw, dy + row * width, x + row * width, scale: inverse[row], columns)
        }
    }
}

/// y = x · scale ∘ w.
@inline(__always) private func scaleByWeight(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, scale: Float, width: Int
) {
    var j = 0
    while j < width.wholeLanes {
        y.store(x.lanes(j) * scale * w.lanes(j), at: j)
        j += 16
    }
    while j < width {
        y[j] = x[j] * scale * w[j]
        j += 1
    }
}

/// Σ a∘b∘c.
@inline(__always) private func tripleProduct(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>, count: Int
) -> Float {
    var (s0, s1) = (Lanes.zero, Lanes.zero)
    var j = 0
    while j + 32 <= count {
        s0.addProduct(a.lanes(j) * b.lanes(j), c.lanes(j))
        s1.addProduct(a.lanes(j + 16) * b.lanes(j + 16), c.lanes(j + 16))
        j += 32
    }
    var sum = (s0 + s1).sum()
    while j < count {
        sum.addProduct(a[j] * b[j], c[j])
        j += 1
    }
    return sum
}

/// dx += r · w∘dy + s · x.
@inline(__always) private func addNormGradient(
    _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    _ w: UnsafePointer<Float>, r: Float, s: Float, width: Int
) {
    var j = 0
    while j < width.wholeLanes {
        var sum = dx.lanes(j)
        sum.addProduct(dy.lanes(j) * w.lanes(j), Lanes(repeating: r))
        sum.addProduct(x.lanes(j), Lanes(repeating: s))
        dx.store(sum, at: j)
        j += 16
    }
    while j < width {
        dx[j] += dy[j] * w[j] * r + x[j] * s
        j += 1
    }
}

/// sum[columns] += scale · a∘b.
@inline(__always) private func addScaledProduct(
    _ sum: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, scale: Float,
    _ columns: Range<Int>
) {
    var j = columns.lowerBound
    while j + 16 <= columns.upperBound {
        sum.store(sum.lanes(j).addingProduct(a.lanes(j) * scale, b.lanes(j)), at: j)
        j += 16
    }
    while j < columns.upperBound {
        sum[j].addProduct(a[j] * scale, b[j])
        j += 1
    }
}
