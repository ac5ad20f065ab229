import Checkpoints
import Collectives
import FileSafety
import Foundation
import Kernels
import LlamaModel
import Objectives

/// What `grad` is asked: the loss terms and every gradient of a model on given tokens, for comparison with others.
public struct GradientOptions: Sendable {
    public var checkpoint: String
    /// `{"tokens": [[ids of one sequence], ...]}`; each sequence predicts its ids 1... from its ids 0....
    public var tokensFile: String
    public var output: String
    /// Of `objective.…` and `parallel.…` alone.
    public var overrides: [String]

    public init(checkpoint: String, tokensFile: String, output: String, overrides: [String]) {
        self.checkpoint = checkpoint
        self.tokensFile = tokensFile
        self.output = output
        self.overrides = overrides
    }

    /// Writes `loss`, `loss.ce`, `loss.jreg`, `displacement` [L] and `grad.<name>` of every tensor.
    public func write(_ communicator: any Communicator) throws {
        guard communicator.worldSize == 1 else {
            throw TrainingError(
                .usage, "grad runs in one process, but \(communicator.worldSize) ranks were started: leave out mpirun")
        }
        let sequences = try readTokens()
        let directory = try checkpointDirectory(checkpoint)
        let longest = sequences.map(\.count).max()! - 1
        let stored = try StoredModel(directory: directory, communicator) { _, _ in longest }
        try check(sequences, stored.model.config)
        let config = try configuration(directory)
        let gradients = FloatArena(count: stored.model.layout.count).all
        let means = differentiate(stored.model, sequences, config, into: gradients)
        try write(stored.model.layout, means, gradients)
    }

    /// One sequence after the other, since their lengths may differ; all means are over all predicted tokens.
    private func differentiate(
        _ model: Llama, _ sequences: [[Int32]], _ config: RunConfig, into gradients: FloatSlice
    ) -> LossMeans {
        let settings = config.objectiveSettings
        let globalTokens = sequences.reduce(0) { $0 + $1.count - 1 }
        var sums = LossSums(layers: model.config.numHiddenLayers)
        for (index, sequence) in sequences.enumerated() {
            let batch = TokenBatch(windows: [sequence])
            let activations = Activations(
                model.config, sequences: 1, length: batch.length,
                purpose: config.parallel.recompute ? .trainingWithRecompute : .training, teamSize: model.team.size)
            let objective = Objective(
                settings, config: model.config, tokens: batch.tokenCount, team: model.team)
            let request = GradientRequest(
                gradients: gradients, accumulate: index > 0, globalTokens: globalTokens)
            model.forward(batch, activations, visit: objective.visit)
            sums += objective.evaluate(model, batch, activations, gradient: request)
            model.backward(batch, activations, gradients: gradients, accumulate: index > 0) {
                objective.addStateGradient(
                    $0, activations, $1, lambda: settings.lambda, globalTokens: globalTokens)
            }
        }
        return LossMeans(sums, lambda: settings.lambda, zLoss: settings.zLoss)
    }

    private func write(_ layout: ParameterLayout, _ means: LossMeans, _ gradients: FloatSlice) throws {
        let scalars: [(name: String, shape: [Int])] = [
            ("loss", []), ("loss.ce", []), ("loss.jreg", []), ("displacement", [means.displacements.count]),
        ]
        let writer = try SafetensorsWriter(
            output, tensors: scalars + layout.tensors.map { ("grad." + $0.name, $0.shape) })
        try writer.append(
            ([means.total, means.crossEntropy, means.regularizer] + means.displacements).map { Float($0) })
        try writer.append(gradients)
        _ = try writer.finish()
    }

    private func configuration(_ directory: String) throws -> RunConfig {
        for override in overrides where !override.hasPrefix("objective.") && !override.hasPrefix("parallel.") {
            throw TrainingError(.usage, "--set \(override): grad knows the keys of objective and parallel only")
        }
        // One position suffices for the checks: the tokens file says how long sequences are.
        return try RunConfig.load(
            file: nil, overrides: ["model.init_from=\(directory)", "batch.sequence_length=1"] + overrides)
    }

    private struct TokensFile: Decodable {
        let tokens: [[Int32]]
    }

    private func readTokens() throws -> [[Int32]] {
        let sequences: [[Int32]]
        do {
            sequences = try UntrustedJSON.decode(
                TokensFile.self, from: Data(contentsOf: URL(filePath: tokensFile))
            ).tokens
        } catch {
            throw TrainingError(
                .data, "\(tokensFile) is not of the form {\"tokens\": [[1, 2, 3], ...]}: \(error)")
        }
        guard !sequences.isEmpty, sequences.allSatisfy({ $0.count >= 2 }) else {
            throw TrainingError(.data, "\(tokensFile) needs at least one sequence, and each at least 2 tokens")
        }
        return sequences
    }

    private func check(_ sequences: [[Int32]], _ config: LlamaConfig) throws {
        for (index, sequence) in sequences.enumerated() {
            if let token = sequence.first(where: { $0 < 0 || $0 >= config.vocabSize }) {
                throw TrainingError(
                    .data,
                    "\(tokensFile): sequence \(index) has the id \(token), but the vocabulary ends before \(config.vocabSize)"
                )
            }
            if sequence.count - 1 > config.maxPositionEmbeddings {
                throw TrainingError(
                    .data,
                    "\(tokensFile): sequence \(index) has \(sequence.count) ids, but the model sees at most \(config.maxPositionEmbeddings)"
                )
            }
        }
    }
}
