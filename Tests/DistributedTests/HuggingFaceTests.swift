import Checkpoints
import Foundation
import Kernels
import LlamaModel
import Testing

extension EndToEnd {
    /// Checkpoints are Hugging Face directories, for others to read and for our own `init_from`.
    struct HuggingFaceTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private static let tokens: [[Int32]] = [
            Array("A license is no warranty.".utf8).map(Int32.init), [256, 0, 255, 10], [65],
        ]

        /// Trains on bytes, so that the checkpoint has a tokenizer.
        private func checkpoint(_ settings: [String] = []) async throws -> String {
            try await jregDist(["prepare", "--input", "LICENSE", "--out", workspace("data"), "--bytes"]).expectSuccess()
            let data = ["data.train=[\(workspace("data"))]", "data.validation=null", "model.vocab_size=257"]
            try await workspace.train(data + settings).expectSuccess()
            return try newestCheckpoint(workspace("run"))
        }

        @Test(
            .needsOracle,
            arguments: [
                [],
                [
                    "model.tie_word_embeddings=true", "model.num_key_value_heads=6", "model.head_dim=12",
                    "model.rope_theta=500000", "model.rms_norm_eps=1e-3",
                    "model.rope_scaling={rope_type: llama3, factor: 8, low_freq_factor: 1, high_freq_factor: 4, "
                        + "original_max_position_embeddings: 32}",
                ],
            ])
        func transformersComputesTheSameLogits(_ settings: [String]) async throws {
            let directory = try await checkpoint(settings)
            let tokens = try workspace.write(JSONEncoder().encode(["tokens": Self.tokens]), "tokens.json")
            let report = try await Oracle.open(
                directory, tokens: tokens, logits: workspace("logits"), text: "Ä license")
            #expect(report.modelType == "llama")
            #expect(report.missingKeys.isEmpty && report.unexpectedKeys.isEmpty && report.mismatchedKeys.isEmpty)
            let tokenizer = try #require(report.tokenizer)
            #expect(tokenizer.vocabulary == 257 && tokenizer.bos == 256 && tokenizer.eos == 256)
            #expect(tokenizer.ids == Array("Ä license".utf8).map(Int.init) && tokenizer.decoded == "Ä license")

            let model = try Self.model(directory)
            #expect(report.parameters == model.layout.count)
            let theirs = try SafetensorsFile(workspace("logits"))
            for (index, sequence) in Self.tokens.enumerated() {
                let (found, wanted) = (Self.logits(model, sequence), try theirs.floats("logits.\(index)"))
                #expect(found.count == wanted.count && found.count == sequence.count * 257)
                let worst = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
                #expect(worst <= 1e-4, "sequence \(index): a logit is off by \(worst)")
                #expect((wanted.max() ?? 0) - (wanted.min() ?? 0) > 0.5, "logits that say nothing")
            }
        }

        @Test func initFromGivesTheSameWeights() async throws {
            let directory = try await checkpoint()
            // A step of 10⁻³⁰ of nothing but rounding: no weight of ordinary size moves.
            let config = TinyRun.config.replacing(/model:\n(  .*\n)+/, with: "model: {init_from: \(directory)}\n")
            let still = [
                "optimizer.learning_rate=1e-30", "optimizer.weight_decay=0", "run.steps=4",
                "data.tokenizer=\(workspace("data"))",
            ]
            for (out, launch) in [("alone", Launch.alone)] + (MPI.isInstalled ? [("nodes", .ranks(4, nodes: "2"))] : [])
            {
                let outcome = try await workspace.train(still, config: config, out: out, on: launch).expectSuccess()
                #expect(outcome.errors.contains("the weights of \(directory)"))
                let copy = try newestCheckpoint(workspace(out))
                for file in ["model.safetensors", "config.json"] {
                    let (found, wanted) = (copy + "/" + file, directory + "/" + file)
                    #expect(FileManager.default.contentsEqual(atPath: found, andPath: wanted), "\(file) of \(out)")
                }
            }
        }

        private static func model(_ directory: String) throws -> Llama {
            let source = try HuggingFaceCheckpoint(directory: directory)
            let layout = ParameterLayout(source.config.model)
            let parameters = FloatArena(count: layout.count).all
            try source.readWeights(layout, into: parameters)
            return Llama(source.config.model, parameters: parameters, maximumLength: 64, team: ThreadTeam(size: 1))
        }

        /// [tokens, vocabulary].
        private static func logits(_ model: Llama, _ sequence: [Int32]) -> [Float] {
            let activations = Activations(
                model.config, sequences: 1, length: sequence.count, purpose: .evaluation, teamSize: 1)
            // The id behind the last one is only a target.
            model.forward(TokenBatch(windows: [sequence + [0]]), activations) { _, _, _ in }
            return model.logits(of: activations.state(model.config.numHiddenLayers)).array
        }
    }
}
