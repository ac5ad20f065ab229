import Kernels
import LlamaModel
import Objectives
import Testing

/// Losses, displacements and the gradient of every tensor against the float64 reference in `Tests/Reference`, which is
/// itself checked against Hugging Face transformers.
@Suite struct ReferenceGradientTests {
    @Test(arguments: try Fixtures.gradientCases().map(\.name), [false, true])
    func agreesWithFloat64(name: String, recompute: Bool) throws {
        let test = try #require(try Fixtures.gradientCases().first { $0.name == name })
        let wanted = try Fixtures.tensors("gradients/\(name).safetensors")
        let run = try Run(test, recompute: recompute)
        let (means, gradients) = try run.means()

        func check(_ key: String, _ found: [Double], tolerance: Double) throws {
            let reference = try #require(wanted[key], "\(key) is missing").map(Double.init)
            try #require(found.count == reference.count, "\(key)")
            let difference = zip(found, reference).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
            let norm = reference.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(difference <= tolerance * norm, "\(key) differs by \(difference / norm) of its norm")
        }
        try check("loss", [means.total], tolerance: 1e-6)
        try check("loss.ce", [means.crossEntropy], tolerance: 1e-6)
        try check("loss.jreg", [means.regularizer], tolerance: 1e-6)
        try check("displacement", means.displacements, tolerance: 1e-6)
        for tensor in run.model.layout.tensors {
            try check("grad." + tensor.name, gradients[tensor.range].map(Double.init), tolerance: 1e-5)
        }
        #expect(wanted.count == run.model.layout.tensors.count + 4, "the fixture holds something that was not compared")
    }

    @Test func fixturesAreComplete() throws {
        let cases = try Fixtures.gradientCases()
        #expect(cases.count == 19)
        #expect(Set(cases.map(\.model)) == ["mha", "gqa", "tied"])
        #expect(try Fixtures.tokens().map(\.count) == [38, 38, 24])
    }
}

/// A model of the fixtures on their tokens.
private struct Run {
    let model: Llama
    private let settings: ObjectiveSettings
    private let purpose: Activations.Purpose

    init(_ test: Fixtures.GradientCase, recompute: Bool) throws {
        let config = try Fixtures.config(test.model)
        let weights = try Fixtures.tensors("models/\(test.model)/model.safetensors")
        let layout = ParameterLayout(config)
        let parameters = FloatArena(count: layout.count).all
        for tensor in layout.tensors { parameters[tensor.range].copy(from: try #require(weights[tensor.name])) }
        model = Llama(config, parameters: parameters, maximumLength: 64, team: ThreadTeam(size: 2))
        settings = ObjectiveSettings(
            lambda: test.lambda, regularizer: test.kind.map { JumpRegularizer($0, layers: config.numHiddenLayers) },
            zLoss: test.zLoss)
        purpose = recompute ? .trainingWithRecompute : .training
    }

    /// The sequences differ in length: each is a microbatch of its own, and their gradients add up.
    func means() throws -> (LossMeans, [Float]) {
        let sequences = try Fixtures.tokens()
        let globalTokens = sequences.reduce(0) { $0 + $1.count - 1 }
        let gradients = FloatArena(count: model.layout.count).all
        gradients.fill(.nan)
        var sums = LossSums(layers: model.config.numHiddenLayers)
        for (index, sequence) in sequences.enumerated() {
            let batch = TokenBatch(windows: [sequence])
            let activations = Activations(
                model.config, sequences: 1, length: batch.length, purpose: purpose, teamSize: model.team.size)
            let objective = Objective(settings, config: model.config, tokens: batch.tokenCount, team: model.team)
            model.forward(batch, activations, visit: objective.visit)
            sums += objective.evaluate(
                model, batch, activations,
                gradient: GradientRequest(gradients: gradients, accumulate: index > 0, globalTokens: globalTokens))
            model.backward(batch, activations, gradients: gradients, accumulate: index > 0) { layer, gradient in
                objective.addStateGradient(
                    layer, activations, gradient, lambda: settings.lambda, globalTokens: globalTokens)
            }
        }
        return (LossMeans(sums, lambda: settings.lambda, zLoss: settings.zLoss), gradients.array)
    }
}
