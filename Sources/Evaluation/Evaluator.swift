import Collectives
import Corpus
import Kernels
import LlamaModel
import Objectives

/// Measures a model on a fixed selection of windows; all ranks share the forward passes.
///
/// The windows are cut into batches that do not depend on the world size, and the sums of the batches are added in the
/// order of the text: so the result has the same bits however many ranks took part.
public final class Evaluator {
    /// Which part of the data is used, and in what portions.
    public struct Selection: Sendable {
        /// Windows to predict, spread evenly over the data; all of it if it has fewer.
        public var sequences: Int
        /// Of these, how many are also read out at every layer (each costs a head's forward per layer).
        public var readoutSequences: Int
        /// Windows per forward pass.
        public var batchSize: Int
        public var documentMask: Bool

        public init(sequences: Int, readoutSequences: Int, batchSize: Int, documentMask: Bool = false) {
            self.sequences = sequences
            self.readoutSequences = readoutSequences
            self.batchSize = batchSize
            self.documentMask = documentMask
        }
    }

    private let communicator: any Communicator
    private let dataset: TokenDataset
    private let sequences: Int
    private let readoutSequences: Int
    private let batchSize: Int
    private let separator: Int32?

    public init(communicator: any Communicator, dataset: TokenDataset, selection: Selection) {
        self.communicator = communicator
        self.dataset = dataset
        sequences = min(selection.sequences, dataset.windowCount)
        readoutSequences = min(selection.readoutSequences, sequences)
        batchSize = min(selection.batchSize, max(1, sequences))
        separator = selection.documentMask ? dataset.separator : nil
    }

    /// Collective. `model` must hold the same weights on every rank.
    public func evaluate(_ model: Llama) throws -> EvaluationResult {
        let layers = model.config.numHiddenLayers
        let batches = (sequences + batchSize - 1) / batchSize
        var own: [(index: Int, values: [Double])] = []
        var memory: BatchMemory?
        for index in stride(from: communicator.rank, to: batches, by: communicator.worldSize) {
            let windows = (index * batchSize)..<min(sequences, (index + 1) * batchSize)
            if memory?.sequences != windows.count {
                memory = BatchMemory(model, sequences: windows.count, length: dataset.sequenceLength)
            }
            let isReadOut = windows.lowerBound < readoutSequences
            own.append((index, measure(model, batch(windows), memory!, isReadOut: isReadOut).values))
        }
        var total = EvaluationSums(layers: layers)
        for values in try communicator.orderedGather(own) { total += EvaluationSums(values: values, layers: layers) }
        let readBatches = (readoutSequences + batchSize - 1) / batchSize
        return EvaluationResult(
            total, sequences: sequences, readoutSequences: min(sequences, readBatches * batchSize),
            bytesPerToken: dataset.bytesPerToken)
    }

    private func batch(_ indices: Range<Int>) -> TokenBatch {
        let windows = indices.map { dataset.window($0 * dataset.windowCount / sequences) }
        return TokenBatch(
            windows: windows,
            documentStarts: separator.map { separator in { documentStarts(in: $0, separator: separator) } })
    }

    private func measure(
        _ model: Llama, _ batch: TokenBatch, _ memory: BatchMemory, isReadOut: Bool
    ) -> EvaluationSums {
        let layers = model.config.numHiddenLayers
        var sums = EvaluationSums(layers: layers)
        model.forward(batch, memory.activations) { layer, before, after in
            memory.objective.visit(layer, before: before, after: after)
            if isReadOut && layer < layers {
                sums.readout[layer - 1] = memory.objective.readOut(model, batch, memory.activations, state: after)
            }
            if layer == layers {
                memory.finalStep.record(
                    1, before: before, after: model.finalNorm(of: after, memory.activations))
            }
        }
        sums.loss = memory.objective.evaluate(model, batch, memory.activations)
        sums.displacementAfterFinalNorm = memory.finalStep.displacements(1).reduce(0, +)
        if isReadOut {
            sums.readout[layers - 1] = sums.loss.crossEntropy
            sums.readoutTokens = sums.loss.tokens
        }
        return sums
    }
}

/// What a forward pass over batches of one size needs.
private struct BatchMemory {
    let sequences: Int
    let activations: Activations
    let objective: Objective
    /// The last layer's step when its state is taken after the final norm.
    let finalStep: AngularSteps

    init(_ model: Llama, sequences: Int, length: Int) {
        self.sequences = sequences
        activations = Activations(
            model.config, sequences: sequences, length: length, purpose: .evaluation, teamSize: model.team.size)
        objective = Objective(
            ObjectiveSettings(lambda: 0, regularizer: nil), config: model.config, tokens: sequences * length,
            team: model.team)
        finalStep = AngularSteps(
            layers: 1, tokens: sequences * length, width: model.config.hiddenSize, team: model.team)
    }
}
