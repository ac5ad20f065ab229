import Corpus
import Evaluation
import Foundation
import Kernels
import LlamaModel
import Objectives
import Testing

struct EvaluatorTests {
    private func expectClose(
        _ found: Double, _ wanted: Double, _ tolerance: Double = 2e-6, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            abs(found - wanted) <= tolerance * abs(wanted), "\(found) is not \(wanted)", sourceLocation: sourceLocation)
    }

    @Test func agreesWithTheDefinitions() throws {
        let model = tinyModel()
        try withDataset(tokens: 100) { dataset in
            #expect(dataset.windowCount == 11)
            // Five of eleven windows, spread evenly.
            let naive = NaiveEvaluation(model, [0, 2, 4, 6, 8].map { dataset.window($0) })
            let result = try evaluate(model, dataset, sequences: 5, readout: 5)
            #expect(result.sequences == 5 && result.readoutSequences == 5 && result.tokens == 45)
            expectClose(result.loss, naive.readoutLoss[2])
            expectClose(result.perplexity, exp(naive.readoutLoss[2]), 1e-5)
            expectClose(result.displacementAfterFinalNorm, naive.displacementAfterFinalNorm)
            for layer in 0..<3 {
                expectClose(result.displacement[layer], naive.displacement[layer])
                expectClose(result.readoutLoss[layer], naive.readoutLoss[layer])
            }
            #expect(result.jumpRate == JumpRate.profile(result.displacement))
            #expect(result.jumpRateLastQuarter == result.jumpRate[2])
            let normed = Array(result.displacement[0..<2]) + [result.displacementAfterFinalNorm]
            #expect(result.jumpRateAfterFinalNorm == JumpRate.profile(normed))
            // The two conventions for the last state differ, or the test would show nothing.
            #expect(abs(naive.displacementAfterFinalNorm - naive.displacement[2]) > 1e-3)
        }
    }

    @Test func isWhatTrainingMinimises() throws {
        let model = tinyModel()
        try withDataset(tokens: 28) { dataset in
            let batch = TokenBatch(windows: (0..<3).map { dataset.window($0) })
            let activations = Activations(model.config, sequences: 3, length: 9, purpose: .training, teamSize: 1)
            let objective = Objective(
                ObjectiveSettings(lambda: 3, regularizer: JumpRegularizer(.final, layers: 3)), config: model.config,
                tokens: 27, team: model.team)
            model.forward(batch, activations, visit: objective.visit)
            let means = LossMeans(objective.evaluate(model, batch, activations), lambda: 3, zLoss: 0)

            let result = try evaluate(model, dataset, sequences: 3, batchSize: 3)
            #expect(result.loss == means.crossEntropy)
            #expect(result.displacement == means.displacements)
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 100])
    func batchesAreCutAsOneLikes(_ size: Int) throws {
        let model = tinyModel()
        try withDataset(tokens: 80) { dataset in
            let one = try evaluate(model, dataset, sequences: 7, readout: 7)
            let found = try evaluate(model, dataset, sequences: 7, readout: 7, batchSize: size)
            #expect(found.tokens == 63)
            expectClose(found.loss, one.loss)
            expectClose(found.displacementAfterFinalNorm, one.displacementAfterFinalNorm)
            for layer in 0..<3 {
                expectClose(found.displacement[layer], one.displacement[layer])
                expectClose(found.readoutLoss[layer], one.readoutLoss[layer])
            }
        }
    }

    @Test func theLastLayerReadOutIsTheModel() throws {
        let model = tinyModel()
        try withDataset(tokens: 80) { dataset in
            let all = try evaluate(model, dataset, sequences: 8, readout: 8, batchSize: 3)
            #expect(all.readoutLoss[2] == all.loss)
            // Whole batches are read out: four sequences asked for are two batches of three.
            let some = try evaluate(model, dataset, sequences: 8, readout: 4, batchSize: 3)
            #expect(some.readoutSequences == 6 && some.sequences == 8)
            #expect(some.readoutLoss[2] != some.loss && some.readoutLoss.count == 3)
            #expect(some.loss == all.loss)
            let none = try evaluate(model, dataset, sequences: 8, readout: 0, batchSize: 3)
            #expect(none.readoutLoss.isEmpty && none.readoutSequences == 0)
            #expect(none.loss == all.loss)
        }
    }

    @Test func moreSequencesThanThereAreMeansAll() throws {
        let model = tinyModel()
        try withDataset(tokens: 80) { dataset in
            let all = try evaluate(model, dataset, sequences: 8, batchSize: 2)
            #expect(try evaluate(model, dataset, sequences: 1000, readout: 0, batchSize: 2) == all)
            #expect(all.sequences == 8)
        }
        try withDataset(tokens: 10) { dataset in
            let one = try evaluate(model, dataset, sequences: 4, readout: 9, batchSize: 4)
            #expect(one.sequences == 1 && one.readoutSequences == 1 && one.tokens == 9)
            #expect(one.readoutLoss[2] == one.loss)
        }
    }

    @Test func bitsPerByte() throws {
        try withTemporaryDirectory { directory in
            let text = (0..<40).map { "line \($0) of a text: naïve\n\n" }.joined()
            try Data(text.utf8).write(to: URL(filePath: directory + "/text.txt"))
            var preparation = CorpusPreparation(
                inputs: [directory + "/text.txt"], output: directory + "/data", tokenizer: .bytes)
            preparation.validationFraction = 0.5
            _ = try preparation.run()
            let model = tinyModel(vocabulary: 257)
            let dataset = try TokenDataset(
                paths: [directory + "/data"], split: .validation, sequenceLength: 9, vocabularySize: 257)
            let bytesPerToken = try #require(dataset.bytesPerToken)
            #expect(bytesPerToken < 1)

            let result = try evaluate(model, dataset, sequences: 4)
            // Nats per token, to bits per token, to bits per byte.
            expectClose(try #require(result.bitsPerByte), result.loss * log2(exp(1)) / bytesPerToken, 1e-12)
        }
        // Ids of unknown origin stand for no known number of bytes.
        let foreign = try withDataset(tokens: 30) { try evaluate(tinyModel(), $0, sequences: 2) }
        #expect(foreign.bitsPerByte == nil)
    }

    @Test func maskedDocumentsSeeNoOthers() throws {
        try withTemporaryDirectory { directory in
            let documents = (0..<30).map { #"{"text": "\#(String(repeating: "\($0)", count: 3))"}"# }
            try Data(documents.joined(separator: "\n").utf8).write(to: URL(filePath: directory + "/text.jsonl"))
            var preparation = CorpusPreparation(
                inputs: [directory + "/text.jsonl"], output: directory + "/data", tokenizer: .bytes)
            preparation.validationFraction = 0.5
            _ = try preparation.run()
            let dataset = try TokenDataset(
                paths: [directory + "/data"], split: .validation, sequenceLength: 20, vocabularySize: 257)
            let model = tinyModel(vocabulary: 257)
            let open = try evaluate(model, dataset, sequences: 3)
            let masked = try evaluate(model, dataset, sequences: 3, mask: true)
            #expect(abs(masked.loss - open.loss) > 1e-3)
        }
        // Without a known separator there are no documents to keep apart.
        try withDataset(tokens: 80) { dataset in
            let masked = try evaluate(tinyModel(), dataset, sequences: 8, mask: true)
            #expect(try evaluate(tinyModel(), dataset, sequences: 8) == masked)
        }
    }

    @Test func resultsSurviveJSON() throws {
        try withDataset(tokens: 80) { dataset in
            let result = try evaluate(tinyModel(), dataset, sequences: 3, readout: 3)
            let json = try JSONEncoder().encode(result)
            #expect(try JSONDecoder().decode(EvaluationResult.self, from: json) == result)
            let keys = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any]).keys.sorted()
            #expect(
                keys == [
                    "displacement", "displacement_after_final_norm", "jump_rate", "jump_rate_last_quarter", "loss",
                    "perplexity", "readout_loss", "readout_sequences", "sequences", "tokens",
                ])
        }
    }
}
