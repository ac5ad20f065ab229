/// output[t, j] = silu(gate[t, j]) · up[t, j]. gateUp: [rows, 2·width], a row is the gates and then the ups;
/// output: [rows, width]. Shazeer, arXiv 2002.05202.
public func swiGLUForward(output: FloatSlice, gateUp: FloatSlice, width: Int, on team: ThreadTeam) {
    team.timeline.begin()
    defer { team.timeline.end(.elementwise) }
    precondition(gateUp.count == 2 * output.count && output.count % width == 0, "SwiGLU shapes differ")
    let (y, x) = (output.pointer, gateUp.pointer)
    team.forEachRange(of: output.count / width, minimum: 16) { rows in
        for row in rows {
            let (gate, up, y) = (x + row * 2 * width, x + row * 2 * width + width, y + row * width)
            var j = 0
            while j < width.wholeLanes {
                let g = gate.lanes(j)
                y.store(g * sigmoid(g) * up.lanes(j), at: j)
                j += 16
            }
            while j < width {
                y[j] = gate[j] * sigmoid(Lanes(repeating: gate[j]))[0] * up[j]
                j += 1
            }
        }
    }
}

/// Turns gateUp into its gradient in place, and writes the forward's output anew (the down projection's weight gradient
/// needs it, and it is cheaper to compute twice than to keep). dOutput, output: [rows, width]; gateUp: [rows, 2·width].
public func swiGLUBackward(
    gateUpToGradient gateUp: FloatSlice, output: FloatSlice, dOutput: FloatSlice, width: Int, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.elementwise) }
    precondition(
        gateUp.count == 2 * output.count && dOutput.count == output.count && output.count % width == 0,
        "SwiGLU shapes differ")
    let (x, y, dy) = (gateUp.pointer, output.pointer, dOutput.pointer)
    team.forEachRange(of: output.count / width, minimum: 16) { rows in
        for row in rows {
            let (gate, up) = (x + row * 2 * width, x + row * 2 * width + width)
            let (y, dy) = (y + row * width, dy + row * width)
            @inline(__always) func derivatives(_ g: Lanes, _ u: Lanes, _ d: Lanes) -> (Lanes, Lanes, Lanes) {
                let s = sigmoid(g)
                let silu = g * s
                // silu′(g) = σ(g)·(1 + g·(1 − σ(g)))
                return (silu * u, d * u * (s + silu * (1 - s)), d * silu)
            }
            var j = 0
            while j < width.wholeLanes {
                let (output, dGate, dUp) = derivatives(gate.lanes(j), up.lanes(j), dy.lanes(j))
                y.store(output, at: j)
                gate.store(dGate, at: j)
                up.store(dUp, at: j)
                j += 16
            }
            while j < width {
                let (output, dGate, dUp) = derivatives(
                    Lanes(repeating: gate[j]), Lanes(repeating: up[j]), Lanes(repeating: dy[j]))
                (y[j], gate[j], up[j]) = (output[0], dGate[0], dUp[0])
                j += 1
            }
        }
    }
}

/// 1 / (1 + e⁻ˣ).
@inline(__always) private func sigmoid(_ x: Lanes) -> Lanes { 1 / (1 + exponential(-x)) }
