/// The constants of AdamW (decoupled weight decay, arXiv 1711.05101) and the limit of the gradient before it.
public struct AdamWSettings: Sendable, Equatable {
    /// The share of the first moment that each update keeps.
    public var beta1 = 0.9
    /// The share of the second moment that each update keeps.
    public var beta2 = 0.95
    /// Added to the root of the second moment.
    public var epsilon = 1e-8
    /// Matrices shrink by learning rate times this at each update; norms do not.
    public var weightDecay = 0.1
    /// The Euclidean norm of all gradients together is brought down to this. 0 or less: no limit.
    public var maxGradNorm = 1.0

    public init() {}

    /// Everything that makes no sense, by configuration key.
    public var problems: [String] {
        var problems: [String] = []
        for (key, beta) in [("beta1", beta1), ("beta2", beta2)] where !(beta >= 0 && beta < 1) {
            problems.append("\(key) is \(beta), but must be at least 0 and below 1")
        }
        if !(epsilon > 0 && epsilon.isFinite) { problems.append("epsilon is \(epsilon), but must be positive") }
        if !(weightDecay >= 0 && weightDecay.isFinite) {
            problems.append("weight_decay is \(weightDecay), but must not be negative")
        }
        if maxGradNorm.isNaN { problems.append("max_grad_norm is no number") }
        return problems
    }
}

/// The factor that brings a gradient of Euclidean norm `norm` down to `maxNorm`, as PyTorch's `clip_grad_norm_` computes it.
///
/// 1 where the norm is small enough or `maxNorm` is 0 or less. A norm that is not a number gives a factor that is not one,
/// so that the fault is not hidden.
public func gradientScale(norm: Double, maxNorm: Double) -> Double {
    if maxNorm <= 0 { return 1 }
    let scale = maxNorm / (norm + 1e-6)
    return scale >= 1 ? 1 : scale
}
