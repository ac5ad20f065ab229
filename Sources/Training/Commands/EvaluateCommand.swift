import Collectives
import Corpus
import Evaluation
import Foundation
import Logging

/// What `eval` and `analyze` are asked.
public struct EvaluationOptions: Sendable {
    public var checkpoint: String
    /// Datasets, shards or globs; empty: the validation data of the run that made the checkpoint.
    public var data: [String]
    /// Nil: that of the run, or as much as the model allows up to 1024.
    public var sequenceLength: Int?
    /// Nil: all.
    public var sequences: Int?
    public var readoutSequences: Int
    public var batchSize: Int

    public init(
        checkpoint: String, data: [String], sequenceLength: Int?, sequences: Int?, readoutSequences: Int, batchSize: Int
    ) {
        self.checkpoint = checkpoint
        self.data = data
        self.sequenceLength = sequenceLength
        self.sequences = sequences
        self.readoutSequences = readoutSequences
        self.batchSize = batchSize
    }

    /// Collective.
    public func evaluate(_ communicator: any Communicator) throws -> EvaluationReport {
        let directory = try communicator.together { try checkpointDirectory(checkpoint) }
        let stored = try StoredModel(directory: directory, communicator) { shape, run in
            let limit = shape.maxPositionEmbeddings
            let length = sequenceLength ?? run?.batch.sequenceLength ?? min(limit, 1024)
            guard length <= limit else {
                throw TrainingError(
                    .usage, "--sequence-length is \(length), but \(directory) was made for at most \(limit) positions")
            }
            return length
        }
        let length = stored.model.maximumLength
        let paths = data.isEmpty ? stored.run?.data.validation ?? stored.run?.data.train ?? [] : data
        guard !paths.isEmpty else {
            throw TrainingError(
                .usage, "\(directory) does not say what data it was trained on: name some with --data")
        }
        let dataset = try communicator.together {
            try TokenDataset(
                paths: paths, split: .validation, sequenceLength: length,
                vocabularySize: stored.model.config.vocabSize)
        }
        let evaluator = Evaluator(
            communicator: communicator, dataset: dataset,
            selection: Evaluator.Selection(
                sequences: sequences ?? dataset.windowCount, readoutSequences: readoutSequences,
                batchSize: batchSize, documentMask: stored.run?.data.documentMask ?? false))
        return EvaluationReport(
            checkpoint: directory, data: paths, sequenceLength: length, unigramEntropy: dataset.unigramEntropy,
            result: try evaluator.evaluate(stored.model))
    }
}

/// An evaluation with what it was taken of.
public struct EvaluationReport: Encodable, Sendable {
    public let checkpoint: String
    public let data: [String]
    public let sequenceLength: Int
    /// Nats per token that guessing by frequency alone costs: what the loss must fall below.
    public let unigramEntropy: Double?
    public let result: EvaluationResult

    enum CodingKeys: String, CodingKey {
        case checkpoint, data, result
        case sequenceLength = "sequence_length"
        case unigramEntropy = "unigram_entropy"
    }

    public var json: String { JSONEncoder.lines().text(self) }

    /// The figures of the whole model.
    public var summary: String {
        var rows = [
            ("checkpoint", checkpoint),
            ("data", "\(data.joined(separator: ", ")): \(result.sequences) × \(sequenceLength) tokens"),
            ("loss", "\(result.loss.text(4)) nats per token"),
            ("perplexity", result.perplexity.text(2)),
        ]
        if let bits = result.bitsPerByte { rows.append(("bits/byte", bits.text(4))) }
        if let entropy = unigramEntropy { rows.append(("unigram", "\(entropy.text(4)) nats per token")) }
        rows.append(("ζ, last ¼", result.jumpRateLastQuarter.text(3)))
        return rows.map { $0.0.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
    }

    /// The jump profile, layer by layer. The columns marked * take the last state after the final norm, as
    /// `output_hidden_states` of transformers returns it.
    public var profile: String {
        let displacementNormed = result.displacement.dropLast() + [result.displacementAfterFinalNorm]
        var lines = ["layer        Ψ        ζ       Ψ*       ζ*  read-out"]
        for layer in 1...result.displacement.count {
            let readout = result.readoutLoss.isEmpty ? "" : result.readoutLoss[layer - 1].text(4)
            let numbers = [
                result.displacement[layer - 1].text(5), result.jumpRate[layer - 1].text(3),
                Array(displacementNormed)[layer - 1].text(5), result.jumpRateAfterFinalNorm[layer - 1].text(3), readout,
            ]
            lines.append(
                String(repeating: " ", count: max(0, 5 - "\(layer)".count)) + "\(layer)"
                    + numbers.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }.joined())
        }
        return lines.joined(separator: "\n")
    }
}
