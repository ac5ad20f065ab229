import Glibc
import Kernels
import LlamaModel

/// JREG, the jump-suppressing regularizer: a penalty on the angular steps Ψ_l(t) of the hidden states.
///
/// What is public of the paper (arXiv 2601.18302): Ψ and ζ exactly; that the penalty weights the angular change of all
/// layers, with α = 3 best in most tasks; that penalising the last layer alone can merely move the jump one layer earlier.
/// The power law of the weights is this project's reading of that.
public struct JumpRegularizer: HiddenStateTerm, Equatable {
    public enum Kind: Sendable, Equatable {
        /// Σ_l w_l·Ψ_l(t) with w_l = (l/L)^α / Σ_k (k/L)^α: α = 0 weights all layers alike, a large one only the last.
        case weighted(alpha: Double)
        /// Ψ_L(t), the last block's own step.
        case final
        /// Σ_{k=from..L} max(0, Ψ_k(t) − Ψ_{k−1}(t)), with Ψ_0 = 0.
        case jumpRate(from: Int)
    }

    public let kind: Kind
    public let layers: Int

    public init(_ kind: Kind, layers: Int) {
        if case .jumpRate(let from) = kind {
            precondition(from >= 1 && from <= layers, "the jump rate begins at layer \(from) of \(layers)")
        }
        self.kind = kind
        self.layers = layers
    }

    /// w_1...w_L of the `weighted` kind; they sum to 1.
    public static func weights(alpha: Double, layers: Int) -> [Double] {
        let powers = (1...layers).map { pow(Double($0) / Double(layers), alpha) }
        let total = powers.reduce(0, +)
        return powers.map { $0 / total }
    }

    public func sum(_ steps: AngularSteps) -> Double {
        switch kind {
        case .weighted(let alpha):
            let weights = Self.weights(alpha: alpha, layers: layers)
            return (1...layers).reduce(0) { $0 + weights[$1 - 1] * steps.displacements($1).reduce(0, +) }
        case .final:
            return steps.displacements(layers).reduce(0, +)
        case .jumpRate(let from):
            return (from...layers).reduce(0) { $0 + jumps(at: $1, steps).reduce(0) { $0 + max($1, 0) } }
        }
    }

    public func addGradient(
        of layer: Int, _ steps: AngularSteps, states: Activations, scale: Double, to gradient: FloatSlice
    ) {
        steps.addGradient(of: layer, states: states, to: gradient) { slope(of: $0, steps, scale: scale) }
    }

    /// scale · d(sum)/dΨ_layer(t) per token; nil where the term does not depend on Ψ_layer.
    private func slope(of layer: Int, _ steps: AngularSteps, scale: Double) -> [Double]? {
        switch kind {
        case .weighted(let alpha):
            let weight = Self.weights(alpha: alpha, layers: layers)[layer - 1]
            return [Double](repeating: scale * weight, count: steps.tokens)
        case .final:
            return layer == layers ? [Double](repeating: scale, count: steps.tokens) : nil
        case .jumpRate(let from):
            if layer < from - 1 { return nil }
            var slopes = [Double](repeating: 0, count: steps.tokens)
            if layer >= from {
                for (token, jump) in jumps(at: layer, steps).enumerated() where jump > 0 { slopes[token] += scale }
            }
            if layer < layers {
                for (token, jump) in jumps(at: layer + 1, steps).enumerated() where jump > 0 { slopes[token] -= scale }
            }
            return slopes
        }
    }

    /// Ψ_layer(t) − Ψ_{layer−1}(t) per token.
    private func jumps(at layer: Int, _ steps: AngularSteps) -> [Double] {
        let after = steps.displacements(layer)
        if layer == 1 { return after }
        return zip(after, steps.displacements(layer - 1)).map { $0 - $1 }
    }
}
