import Corpus
import Foundation
import Kernels
import LlamaModel

/// What an evaluation measures, computed in double precision straight from the definitions, one window at a time.
struct NaiveEvaluation {
    /// Ψ_1...Ψ_L.
    private(set) var displacement: [Double]
    /// Ψ_L with the last state after the final norm.
    private(set) var displacementAfterFinalNorm = 0.0
    /// The loss of h_1...h_L read out through the final norm and the head; the last is the loss itself.
    private(set) var readoutLoss: [Double]

    init(_ model: Llama, _ windows: [[Int32]]) {
        let layers = model.config.numHiddenLayers
        displacement = [Double](repeating: 0, count: layers)
        readoutLoss = displacement
        let tokens = Double(windows.reduce(0) { $0 + $1.count - 1 })
        for window in windows {
            let states = Self.states(model, window)
            for position in 0..<(window.count - 1) {
                let own = states.map { $0[position] }
                for layer in 1...layers {
                    displacement[layer - 1] += Self.displacement(own[layer - 1], own[layer]) / tokens
                    readoutLoss[layer - 1] += Self.loss(model, own[layer], Int(window[position + 1])) / tokens
                }
                displacementAfterFinalNorm +=
                    Self.displacement(own[layers - 1], Self.finalNorm(model, own[layers])) / tokens
            }
        }
    }

    /// h_0...h_L, each [position][width].
    private static func states(_ model: Llama, _ window: [Int32]) -> [[[Double]]] {
        let (length, width) = (window.count - 1, model.config.hiddenSize)
        let activations = Activations(model.config, sequences: 1, length: length, purpose: .training, teamSize: 1)
        model.forward(TokenBatch(windows: [window]), activations) { _, _, _ in }
        return (0...model.config.numHiddenLayers).map { layer in
            let state = activations.state(layer).array.map(Double.init)
            return (0..<length).map { Array(state[($0 * width)..<(($0 + 1) * width)]) }
        }
    }

    private static func displacement(_ a: [Double], _ b: [Double]) -> Double {
        0.5 * (1 - dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot())
    }

    private static func finalNorm(_ model: Llama, _ state: [Double]) -> [Double] {
        let rms = (dot(state, state) / Double(state.count) + model.config.rmsNormEps).squareRoot()
        let weight = model.parameters[model.layout.finalNorm].array
        return zip(state, weight).map { $0 / rms * Double($1) }
    }

    private static func loss(_ model: Llama, _ state: [Double], _ target: Int) -> Double {
        let normed = finalNorm(model, state)
        let head = model.parameters[model.layout.head]
        let logits = (0..<model.config.vocabSize).map {
            dot(normed, head.rows($0..<($0 + 1), width: state.count).array.map(Double.init))
        }
        return log(logits.reduce(0) { $0 + exp($1) }) - logits[target]
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
}
