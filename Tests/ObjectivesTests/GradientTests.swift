import Foundation
import Kernels
import LlamaModel
import Objectives
import Testing

/// The gradient of every tensor against central differences of our own loss, along the gradient's own direction: there
/// the derivative is the gradient's norm, the largest and so the best conditioned figure that differences can give.
@Suite struct GradientTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        var config = LlamaConfig()
        var regularizer: JumpRegularizer.Kind?
        var zLoss = 0.0
        var recompute = false
        var documentMask = false
        var threads = 1
        var testDescription: String { name }
        /// The jump rate has kinks: a token or two cross theirs between the points of a difference.
        var tolerance: Double {
            if case .jumpRate = regularizer { return 1e-2 }
            return 1e-4
        }

        init(_ name: String, kvHeads: Int = 3, tied: Bool = false) {
            self.name = name
            config.hiddenSize = 48
            config.numAttentionHeads = 3
            config.numKeyValueHeads = kvHeads
            config.headDim = 16
            config.intermediateSize = 56
            config.numHiddenLayers = 3
            config.vocabSize = 101
            config.tieWordEmbeddings = tied
            config.initializerRange = 0.1
        }
    }

    static let cases: [Case] = {
        var all = [
            Case("ce"), Case("gqa", kvHeads: 1), Case("tied", tied: true), Case("recompute"), Case("mask"),
            Case("z-loss"),
        ]
        all[3].recompute = true
        all[3].regularizer = .weighted(alpha: 3)
        all[4].documentMask = true
        all[5].zLoss = 0.01
        for kind in [.weighted(alpha: 0), .weighted(alpha: 3), .final, .jumpRate(from: 1), .jumpRate(from: 3)]
            as [JumpRegularizer.Kind]
        {
            var one = Case("\(kind)")
            one.regularizer = kind
            one.threads = 2
            all.append(one)
        }
        return all
    }()

    @Test(arguments: cases) func agreesWithCentralDifferences(_ test: Case) {
        let engine = Engine(test)
        let gradients = engine.gradients()
        for tensor in engine.model.layout.tensors {
            let gradient = gradients[tensor.range]
            let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(norm > 1e-4, "\(tensor.name) has no gradient to compare")
            let difference = engine.directionalDerivative(tensor.range, gradient.map { Double($0) / norm }, slope: norm)
            #expect(
                abs(difference - norm) <= test.tolerance * norm + 5e-6, "\(tensor.name): \(norm) against \(difference)")
        }
    }

    @Test func recomputationChangesNoBit() {
        var test = Case("weighted")
        test.regularizer = .weighted(alpha: 3)
        let plain = Engine(test).gradients()
        test.recompute = true
        let isEqual = Engine(test).gradients() == plain
        #expect(isEqual)
    }

    @Test func threadsChangeNoBit() {
        var test = Case("threads")
        test.regularizer = .weighted(alpha: 3)
        test.config.vocabSize = 4099
        let plain = Engine(test).gradients()
        test.threads = 3
        let isEqual = Engine(test).gradients() == plain
        #expect(isEqual)
    }

    @Test func noRegularizationIsPlainCrossEntropy() {
        var test = Case("λ = 0")
        let plain = Engine(test).gradients()
        test.regularizer = .weighted(alpha: 3)
        let isEqual = Engine(test, lambda: 0).gradients() == plain
        #expect(isEqual)
    }
}

/// A tiny model with everything around it.
private struct Engine {
    let model: Llama
    let activations: Activations
    let objective: Objective
    let batch: TokenBatch
    let lambda: Double

    init(_ test: GradientTests.Case, lambda: Double = 3) {
        let layout = ParameterLayout(test.config)
        let parameters = FloatArena(count: layout.count).all
        layout.initialize(parameters, range: 0..<layout.count, config: test.config, seed: 7)
        let random = RandomNumbers(seed: 11)
        for tensor in layout.tensors where !tensor.isMatrix {
            for index in tensor.range { parameters[index] += Float(random.uniform(UInt64(index)) - 0.5) }
        }
        let team = ThreadTeam(size: test.threads)
        let vocabulary = test.config.vocabSize
        let windows = (0..<2).map { row in
            (0..<38).map { Int32(random.bits(UInt64(1000 * row + $0)) % UInt64(vocabulary)) }
        }
        model = Llama(test.config, parameters: parameters, maximumLength: 37, team: team)
        batch = TokenBatch(
            windows: windows,
            documentStarts: test.documentMask ? { $0.indices.map { Int32($0 < 9 ? 0 : $0 < 30 ? 9 : 30) } } : nil)
        activations = Activations(
            test.config, sequences: 2, length: 37, purpose: test.recompute ? .trainingWithRecompute : .training,
            teamSize: test.threads)
        let regularizer = test.regularizer.map { JumpRegularizer($0, layers: test.config.numHiddenLayers) }
        objective = Objective(
            ObjectiveSettings(lambda: lambda, regularizer: regularizer, zLoss: test.zLoss), config: test.config,
            tokens: batch.tokenCount, team: team)
        self.lambda = regularizer == nil ? 0 : lambda
    }

    func loss() -> Double {
        model.forward(batch, activations, visit: objective.visit)
        let sums = objective.evaluate(model, batch, activations)
        return LossMeans(sums, lambda: lambda, zLoss: objective.settings.zLoss).total
    }

    func gradients() -> [Float] {
        let gradients = FloatArena(count: model.layout.count).all
        // Overwriting must not read what was there before; the second microbatch must add.
        gradients.fill(.nan)
        for accumulate in [false, true] {
            model.forward(batch, activations, visit: objective.visit)
            _ = objective.evaluate(
                model, batch, activations,
                gradient: GradientRequest(
                    gradients: gradients, accumulate: accumulate, globalTokens: 2 * batch.tokenCount))
            model.backward(batch, activations, gradients: gradients, accumulate: accumulate) { layer, gradient in
                objective.addStateGradient(
                    layer, activations, gradient, lambda: lambda, globalTokens: 2 * batch.tokenCount)
            }
        }
        return gradients.array
    }

    /// d loss / d ε along `direction`, by four-point central differences.
    func directionalDerivative(_ range: Range<Int>, _ direction: [Double], slope: Double) -> Double {
        let original = model.parameters[range].array
        func loss(at step: Double) -> Double {
            model.parameters[range].copy(from: zip(original, direction).map { Float(Double($0) + step * $1) })
            defer { model.parameters[range].copy(from: original) }
            return self.loss()
        }
        // The loss changes by about 0.02 then: far above its rounding, and still nearly straight.
        let step = min(0.02, 0.02 / slope)
        return (8 * (loss(at: step) - loss(at: -step)) - (loss(at: 2 * step) - loss(at: -2 * step))) / (12 * step)
    }
}
