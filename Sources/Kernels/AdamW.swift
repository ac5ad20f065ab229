/// The numbers of one AdamW update. Loshchilov and Hutter, arXiv 1711.05101, in PyTorch's form.
public struct AdamWUpdate: Sendable {
    public let learningRate: Float
    public let beta1: Float
    public let beta2: Float
    public let epsilon: Float
    public let weightDecay: Float
    /// What the gradient is multiplied by first: 1, or less when its norm was clipped.
    public let gradientScale: Float
    /// 1 − beta1ᵗ and √(1 − beta2ᵗ) for the t-th update.
    public let correction1: Float
    public let correction2Root: Float

    /// - Parameter step: the number of this update, from 1.
    public init(
        step: Int, learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
        gradientScale: Double
    ) {
        self.learningRate = Float(learningRate)
        self.beta1 = Float(beta1)
        self.beta2 = Float(beta2)
        self.epsilon = Float(epsilon)
        self.weightDecay = Float(weightDecay)
        self.gradientScale = Float(gradientScale)
        correction1 = Float(1 - power(beta1, step))
        correction2Root = Float((1 - power(beta2, step)).squareRoot())
    }
}

/// baseᵉˣᵖᵒⁿᵉⁿᵗ by squaring: the same bits on every machine, which pow does not promise.
private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}

/// One pass over a piece of the arenas, all [count]:
/// g = scale·gradient, m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g², p = p·(1 − lr·decay) − lr/c₁ · m / (√v/√c₂ + ε).
public func adamW(
    parameters: FloatSlice, gradient: FloatSlice, firstMoment: FloatSlice, secondMoment: FloatSlice,
    _ update: AdamWUpdate, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.update) }
    let count = parameters.count
    precondition(
        gradient.count == count && firstMoment.count == count && secondMoment.count == count, "AdamW shapes differ")
    let (p, g) = (parameters.pointer, gradient.pointer)
    let (m, v) = (firstMoment.pointer, secondMoment.pointer)
    let keep = 1 - update.learningRate * update.weightDecay
    let stepSize = update.learningRate / update.correction1
    @inline(__always) func step(_ p: Lanes, _ g: Lanes, _ m: Lanes, _ v: Lanes) -> (p: Lanes, m: Lanes, v: Lanes) {
        let g = g * update.gradientScale
        let m = (m * update.beta1).addingProduct(g, Lanes(repeating: 1 - update.beta1))
        let v = (v * update.beta2).addingProduct(g * g, Lanes(repeating: 1 - update.beta2))
        let denominator = v.squareRoot() / update.correction2Root + update.epsilon
        return (p * keep - stepSize * m / denominator, m, v)
    }
    team.forEachRange(of: count, unit: 16, minimum: 4096) { range in
        var i = range.lowerBound
        while i + 16 <= range.upperBound {
            let new = step(p.lanes(i), g.lanes(i), m.lanes(i), v.lanes(i))
            p.store(new.p, at: i)
            m.store(new.m, at: i)
            v.store(new.v, at: i)
            i += 16
        }
        while i < range.upperBound {
            let new = step(
                Lanes(repeating: p[i]), Lanes(repeating: g[i]), Lanes(repeating: m[i]), Lanes(repeating: v[i]))
            (p[i], m[i], v[i]) = (new.p[0], new.m[0], new.v[0])
            i += 1
        }
    }
}
