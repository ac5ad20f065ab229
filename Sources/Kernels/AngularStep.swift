/// What the angle between two states a, b needs: per row a·b, |a|² and |b|², each [rows]. a, b: [rows, width].
public func angularProducts(
    dots: FloatSlice, squaresA: FloatSlice, squaresB: FloatSlice, a: FloatSlice, b: FloatSlice, width: Int,
    on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.jreg) }
    let rows = dots.count
    precondition(a.count == rows * width && b.count == rows * width, "states of \(rows) rows of \(width)")
    let (a, b) = (a.pointer, b.pointer)
    let (ab, aa, bb) = (dots.pointer, squaresA.pointer, squaresB.pointer)
    team.forEachRange(of: rows, minimum: 64) { range in
        for row in range {
            let (a, b) = (a + row * width, b + row * width)
            ab[row] = dot(a, b, count: width)
            aa[row] = dot(a, a, count: width)
            bb[row] = dot(b, b, count: width)
        }
    }
}

/// output[t] += Σ_i coefficients[i][t] · inputs[i][t], the form that the gradient of any function of angles takes.
/// output, inputs: [rows, width]; coefficients: [rows] each.
public func addScaledRows(
    to output: FloatSlice, inputs: [FloatSlice], coefficients: [[Float]], width: Int, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.jreg) }
    let rows = output.count / width
    precondition(
        inputs.count == coefficients.count && inputs.allSatisfy { $0.count == output.count }
            && coefficients.allSatisfy { $0.count == rows }, "scaled rows differ in shape")
    let y = output.pointer
    let pairs = zip(inputs.map(\.pointer), coefficients)
    team.forEachRange(of: rows, minimum: 64) { range in
        for (x, coefficient) in pairs {
            for row in range where coefficient[row] != 0 {
                addScaled(y + row * width, x + row * width, coefficient[row], count: width)
            }
        }
    }
}

/// y += scale · x.
@inline(__always) func addScaled(
    _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ scale: Float, count: Int
) {
    let factor = Lanes(repeating: scale)
    var j = 0
    while j < count.wholeLanes {
        y.store(y.lanes(j).addingProduct(x.lanes(j), factor), at: j)
        j += 16
    }
    while j < count {
        y[j].addProduct(x[j], scale)
        j += 1
    }
}
