import Foundation
import Kernels
import LlamaModel
import Objectives
import Testing

@Suite struct ObjectiveTests {
    @Test func lambdaWarmsUpLinearly() {
        let regularizer = JumpRegularizer(.final, layers: 2)
        let warm = ObjectiveSettings(lambda: 3, regularizer: regularizer, warmupSteps: 4)
        #expect([1, 2, 3, 4, 5, 1000].map(warm.lambda(atStep:)) == [0.75, 1.5, 2.25, 3, 3, 3])
        let cold = ObjectiveSettings(lambda: 3, regularizer: regularizer)
        #expect(cold.lambda(atStep: 1) == 3)
    }

    @Test func neitherLambdaNorRegularizerStandsAlone() {
        let without = ObjectiveSettings(lambda: 3, regularizer: nil, warmupSteps: 4)
        #expect(without.lambda == 0 && without.lambda(atStep: 9) == 0)
        let off = ObjectiveSettings(lambda: 0, regularizer: JumpRegularizer(.final, layers: 2))
        #expect(off.regularizer == nil)
        let on = ObjectiveSettings(lambda: 3, regularizer: JumpRegularizer(.final, layers: 2))
        #expect(on.lambda == 3 && on.regularizer != nil)
    }

    @Test func theLastStateReadOutIsTheLoss() {
        let run = Run()
        let sums = run.forward()
        let readOut = run.objective.readOut(run.model, run.batch, run.activations, state: run.activations.state(3))
        #expect(readOut == sums.crossEntropy)
    }

    @Test func everyStateReadOutAgreesWithDouble() {
        let run = Run()
        _ = run.forward()
        for layer in 0...3 {
            var wanted = 0.0
            let logits = run.model.logits(of: run.activations.state(layer)).array.map(Double.init)
            for row in 0..<run.batch.tokenCount {
                let logits = logits[(row * 101)..<((row + 1) * 101)]
                wanted += log(logits.reduce(0) { $0 + exp($1) })
                wanted -= logits[logits.startIndex + Int(run.batch.targets[row])]
            }
            let found = run.objective.readOut(
                run.model, run.batch, run.activations, state: run.activations.state(layer))
            #expect(abs(found - wanted) < 1e-6 * wanted, "layer \(layer)")
        }
    }

    @Test(arguments: JumpRegularizerTests.kinds.filter { $0 != .jumpRate(from: 4) })
    func sumsAgreeWithTheirDefinitions(_ kind: JumpRegularizer.Kind) {
        let run = Run(kind: kind, zLoss: 0.1)
        let sums = run.forward()
        let states = (0...3).map { run.activations.state($0).array.map(Double.init) }
        let naive = NaiveObjective(kind: kind, width: run.model.config.hiddenSize)
        #expect(sums.tokens == 26)
        #expect(abs(sums.regularizer - naive.penalty(states)) < 1e-5)
        for (found, wanted) in zip(sums.displacements, naive.displacements(states)) {
            #expect(abs(found - wanted.reduce(0, +)) < 1e-5)
        }
        // logSumExp² ≥ 0 and of about log(101)² per token.
        #expect(sums.zLoss > 26 * 10 && sums.zLoss < 26 * 60)
    }

    @Test func sumsDoNotDependOnPurposeThreadsOrGradient() {
        let plain = Run().forward()
        #expect(Run(purpose: .trainingWithRecompute).forward() == plain)
        #expect(Run(purpose: .evaluation).forward() == plain)
        #expect(Run(threads: 3).forward() == plain)
        #expect(Run().step(globalTokens: 26).sums == plain)
    }

    @Test func sumsOfSequencesAddUp() {
        let whole = Run().forward()
        var parts = LossSums(layers: 3)
        for window in Run.windows { parts += Run(windows: [window]).forward() }
        for (a, b) in zip(whole.values, parts.values) { #expect(abs(a - b) < 1e-5 * abs(b)) }
    }

    /// Every term is a mean over the global batch: with twice its tokens the same microbatch pulls half as hard, to the bit.
    @Test func gradientsAreDividedByTheGlobalTokens() {
        let (one, half) = (Run(zLoss: 0.1).step(globalTokens: 26), Run(zLoss: 0.1).step(globalTokens: 52))
        #expect(one.sums == half.sums)
        let isHalf = one.gradients.map { $0 / 2 } == half.gradients
        #expect(isHalf)
    }

    /// More tokens than the head takes at once, against the same sequences one by one.
    @Test(arguments: [false, true]) func largeMicrobatchesEqualSmallOnes(tied: Bool) {
        let random = RandomNumbers(seed: 77)
        let windows = (0..<14 as Range<UInt64>).map { row in
            (0..<51 as Range<UInt64>).map { Int32(random.bits(100 * row + $0) % 101) }
        }
        let large = Run(windows: windows, tied: tied).step(globalTokens: 700)
        let small = Run(windows: [windows[0]], tied: tied)
        let sum = FloatArena(count: small.model.layout.count).all
        var sums = LossSums(layers: 3)
        for (index, window) in windows.enumerated() {
            sums += Run(windows: [window], tied: tied).step(globalTokens: 700, into: sum, accumulate: index > 0).sums
        }
        for (a, b) in zip(large.sums.values, sums.values) { #expect(abs(a - b) < 1e-5 * abs(b)) }
        for tensor in small.model.layout.tensors {
            let (a, b) = (large.gradients[tensor.range].map(Double.init), sum[tensor.range].array.map(Double.init))
            let difference = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
            let norm = b.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(difference < 1e-5 * norm, "\(tensor.name)")
        }
    }
}

/// A tiny model with its objective on one batch.
private struct Run {
    static let windows: [[Int32]] = (0..<2 as Range<UInt64>).map { row in
        let random = RandomNumbers(seed: 3, stream: row)
        return (0..<14).map { Int32(random.bits($0) % 101) }
    }

    let model: Llama
    let batch: TokenBatch
    let activations: Activations
    let objective: Objective

    init(
        windows: [[Int32]] = windows, kind: JumpRegularizer.Kind = .weighted(alpha: 3), zLoss: Double = 0,
        tied: Bool = false, purpose: Activations.Purpose = .training, threads: Int = 1
    ) {
        var config = LlamaConfig()
        config.hiddenSize = 40
        config.intermediateSize = 50
        config.numHiddenLayers = 3
        config.numAttentionHeads = 4
        config.numKeyValueHeads = 2
        config.headDim = 10
        config.vocabSize = 101
        config.tieWordEmbeddings = tied
        config.initializerRange = 0.2
        let team = ThreadTeam(size: threads)
        let layout = ParameterLayout(config)
        let parameters = FloatArena(count: layout.count).all
        layout.initialize(parameters, range: 0..<layout.count, config: config, seed: 1)
        batch = TokenBatch(windows: windows)
        model = Llama(config, parameters: parameters, maximumLength: batch.length, team: team)
        activations = Activations(
            config, sequences: batch.sequences, length: batch.length, purpose: purpose, teamSize: threads)
        objective = Objective(
            ObjectiveSettings(lambda: 3, regularizer: JumpRegularizer(kind, layers: 3), zLoss: zLoss), config: config,
            tokens: batch.tokenCount, team: team)
    }

    func forward() -> LossSums {
        model.forward(batch, activations, visit: objective.visit)
        return objective.evaluate(model, batch, activations)
    }

    func step(globalTokens: Int) -> (sums: LossSums, gradients: [Float]) {
        step(globalTokens: globalTokens, into: FloatArena(count: model.layout.count).all, accumulate: false)
    }

    func step(globalTokens: Int, into gradients: FloatSlice, accumulate: Bool) -> (sums: LossSums, gradients: [Float]) {
        model.forward(batch, activations, visit: objective.visit)
        let sums = objective.evaluate(
            model, batch, activations,
            gradient: GradientRequest(gradients: gradients, accumulate: accumulate, globalTokens: globalTokens))
        model.backward(batch, activations, gradients: gradients, accumulate: accumulate) { layer, gradient in
            objective.addStateGradient(layer, activations, gradient, lambda: 3, globalTokens: globalTokens)
        }
        return (sums, gradients.array)
    }
}
