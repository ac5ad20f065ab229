import Kernels
import LlamaModel

/// The angle that each token's hidden state turns through in each layer of one microbatch, and gradients of any function
/// of these angles.
///
/// Displacement Ψ_l(t) = ½·(1 − cos(h_{l−1,t}, h_l,t)) ∈ [0, 1], l = 1...L (arXiv 2601.18302). A zero vector has no
/// direction: its Ψ is ½ and its gradient 0.
public final class AngularSteps {
    public let layers: Int
    public let tokens: Int
    private let width: Int
    private let steps: [Step]
    private let team: ThreadTeam

    /// a·b, |a|² and |b|² with a = h_{l−1}, b = h_l, [tokens] each.
    private struct Step {
        let dots: FloatSlice
        let squaresBefore: FloatSlice
        let squaresAfter: FloatSlice
    }

    public init(layers: Int, tokens: Int, width: Int, team: ThreadTeam) {
        let arena = FloatArena(count: 3 * layers * tokens)
        self.layers = layers
        self.tokens = tokens
        self.width = width
        self.team = team
        steps = (0..<layers).map { layer in
            let part = arena.all[(3 * layer * tokens)..<(3 * (layer + 1) * tokens)]
            return Step(
                dots: part[0..<tokens], squaresBefore: part[tokens..<(2 * tokens)],
                squaresAfter: part[(2 * tokens)..<(3 * tokens)])
        }
    }

    /// Takes down the step of layer `layer` (1...L) from h_{layer−1} to h_layer, [tokens, width] each.
    public func record(_ layer: Int, before: FloatSlice, after: FloatSlice) {
        let step = steps[layer - 1]
        angularProducts(
            dots: step.dots, squaresA: step.squaresBefore, squaresB: step.squaresAfter, a: before, b: after,
            width: width, on: team)
    }

    /// Ψ_layer(t) of every token.
    public func displacements(_ layer: Int) -> [Double] {
        let step = steps[layer - 1]
        let (dots, before, after) = (step.dots.array, step.squaresBefore.array, step.squaresAfter.array)
        return (0..<tokens).map { token in
            let lengths = (Double(before[token]) * Double(after[token])).squareRoot()
            return lengths == 0 ? 0.5 : 0.5 * (1 - Double(dots[token]) / lengths)
        }
    }

    /// Adds to `gradient` [tokens, width] the gradient with respect to h_layer of Σ_k Σ_t slope_k(t) · Ψ_k(t), which has a
    /// part from the step into the state and one from the step out of it.
    ///
    /// With c = a·b/(|a||b|): ∂Ψ/∂b = −½·(a/(|a||b|) − c·b/|b|²), and the same with a and b exchanged.
    /// - Parameter slope: gives [tokens] for a layer in 1...L, or nil for a layer on which the function does not depend.
    public func addGradient(
        of layer: Int, states: Activations, to gradient: FloatSlice, slope: (_ layer: Int) -> [Double]?
    ) {
        var inputs: [FloatSlice] = []
        var coefficients: [[Float]] = []
        var own = [Float](repeating: 0, count: tokens)
        func add(_ neighbour: Int, _ step: Step, _ ownSquares: FloatSlice, _ slopes: [Double]) {
            var other = [Float](repeating: 0, count: tokens)
            let (dots, before, after) = (step.dots.array, step.squaresBefore.array, step.squaresAfter.array)
            let ownSquares = ownSquares.array
            for token in 0..<tokens {
                let lengths = (Double(before[token]) * Double(after[token])).squareRoot()
                if lengths == 0 || slopes[token] == 0 { continue }
                let half = -0.5 * slopes[token]
                other[token] = Float(half / lengths)
                own[token] -= Float(half * Double(dots[token]) / lengths / Double(ownSquares[token]))
            }
            inputs.append(states.state(neighbour))
            coefficients.append(other)
        }
        if layer >= 1, let slopes = slope(layer) {
            add(layer - 1, steps[layer - 1], steps[layer - 1].squaresAfter, slopes)
        }
        if layer < layers, let slopes = slope(layer + 1) {
            add(layer + 1, steps[layer], steps[layer].squaresBefore, slopes)
        }
        if inputs.isEmpty { return }
        addScaledRows(
            to: gradient, inputs: inputs + [states.state(layer)], coefficients: coefficients + [own], width: width,
            on: team)
    }
}
