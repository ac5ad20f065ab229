/// Sums over tokens of everything the loss and its metrics are made of. Sums add up over microbatches, lanes and ranks;
/// means are taken once, at the end, over the global count of tokens.
public struct LossSums: Sendable, Equatable {
    public var tokens = 0.0
    public var crossEntropy = 0.0
    /// Of logSumExp², without its coefficient.
    public var zLoss = 0.0
    /// Of the regularizer, without λ.
    public var regularizer = 0.0
    /// Of Ψ_1...Ψ_L.
    public var displacements: [Double]

    public init(layers: Int) { displacements = [Double](repeating: 0, count: layers) }

    /// As a flat list for sums over lanes and ranks, and back.
    public var values: [Double] { [tokens, crossEntropy, zLoss, regularizer] + displacements }

    public init(values: [Double]) {
        (tokens, crossEntropy, zLoss, regularizer) = (values[0], values[1], values[2], values[3])
        displacements = Array(values[4...])
    }

    public static func += (left: inout LossSums, right: LossSums) {
        left = LossSums(values: zip(left.values, right.values).map(+))
    }
}

/// Means over tokens: what is logged.
public struct LossMeans: Sendable, Equatable {
    /// CE + λ·JREG + zLoss·⟨logSumExp²⟩, what the gradient is taken of.
    public let total: Double
    public let crossEntropy: Double
    /// The regularizer without λ.
    public let regularizer: Double
    /// Ψ_1...Ψ_L.
    public let displacements: [Double]
    /// ζ_1...ζ_L.
    public var jumpRates: [Double] { JumpRate.profile(displacements) }

    public init(_ sums: LossSums, lambda: Double, zLoss: Double) {
        crossEntropy = sums.crossEntropy / sums.tokens
        regularizer = sums.regularizer / sums.tokens
        total = crossEntropy + lambda * regularizer + zLoss * sums.zLoss / sums.tokens
        displacements = sums.displacements.map { $0 / sums.tokens }
    }
}
