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

    public init(
        beta1: Double = 0.9, beta2: Double = 0.95, epsilon: Double = 1e-8, weightDecay: Double = 0.1,
        maxGradNorm: Double = 1
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.maxGradNorm = maxGradNorm
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
