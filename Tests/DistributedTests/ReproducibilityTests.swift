import Foundation
import Testing

extension EndToEnd {
    /// Losses, gradient norms, displacements and evaluations of every step, and the last checkpoint, are the same to the
    /// last bit however the work was spread.
    @Suite(.needsMPI) struct ReproducibilityTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// A way to spread the tiny run that must leave no trace.
        struct Spread: Sendable, CustomTestStringConvertible {
            var launch: Launch
            var settings: [String] = []

            var testDescription: String { ([launch.testDescription] + settings).joined(separator: ", ") }
        }

        @Test(arguments: [
            Spread(launch: .ranks(1)),
            Spread(launch: .ranks(2)),
            Spread(launch: .ranks(4)),
            Spread(launch: .ranks(8)),
            Spread(launch: .ranks(4, nodes: "2")),
            Spread(launch: .ranks(4, nodes: "3,1")),
            Spread(launch: .ranks(4, nodes: "2:cyclic")),
            Spread(launch: .ranks(8, nodes: "2")),
            Spread(launch: .ranks(4), settings: ["optimizer.shard=world"]),
            Spread(launch: .ranks(4, nodes: "2"), settings: ["optimizer.shard=world"]),
            Spread(launch: .ranks(4, nodes: "3,1"), settings: ["optimizer.shard=world"]),
            Spread(launch: .alone, settings: ["parallel.threads_per_rank=1"]),
            Spread(launch: .alone, settings: ["parallel.threads_per_rank=3"]),
            Spread(launch: .ranks(2), settings: ["parallel.threads_per_rank=2"]),
            Spread(launch: .alone, settings: ["parallel.recompute=true"]),
            Spread(launch: .ranks(4, nodes: "2"), settings: ["parallel.recompute=true"]),
        ])
        func leavesNoTrace(_ spread: Spread) async throws {
            try await workspace.train(spread.settings, on: spread.launch).expectSuccess()
            let difference = try await RunRecord(workspace("run")).difference(from: TinyRun.alone.value)
            #expect(difference == nil)
        }

        /// A model whose products are large enough to be cut among threads.
        static let wide = """
            model:
              {hidden_size: 256, intermediate_size: 640, num_hidden_layers: 2, num_attention_heads: 4, head_dim: 64,
               vocab_size: 4099, max_position_embeddings: 128, tie_word_embeddings: false}
            data: {train: [\(Repository.shard)], validation: [\(Repository.shard)]}
            objective: {jreg: {lambda: 3.0}}
            optimizer: {learning_rate: 0.001, warmup_steps: 1}
            batch: {sequence_length: 128, micro_batch_size: 1, global_batch_size: 8, lanes: 8}
            run: {steps: 3, evaluation_sequences: 3, readout_sequences: 1, checkpoint_every: 0}
            """

        @Test func threadsAndRanksAreInterchangeable() async throws {
            func run(_ launch: Launch, threads: Int) async throws -> RunRecord {
                let out = "\(launch.testDescription), \(threads) threads"
                try await workspace.train(
                    ["parallel.threads_per_rank=\(threads)"], config: Self.wide, out: out, on: launch
                ).expectSuccess()
                return try RunRecord(workspace(out))
            }
            let reference = try await run(.alone, threads: 1)
            #expect(try await run(.alone, threads: 2).difference(from: reference) == nil)
            #expect(try await run(.alone, threads: 3).difference(from: reference) == nil)
            #expect(try await run(.ranks(2), threads: 2).difference(from: reference) == nil)
            #expect(try await run(.ranks(4, nodes: "2"), threads: 1).difference(from: reference) == nil)
        }

        @Test(arguments: [Launch.ranks(3), .ranks(3, nodes: "2,1"), .ranks(5)])
        func otherNumbersOfRanksRepeatThemselvesAndSaySo(_ launch: Launch) async throws {
            let first = try await workspace.train(out: "first", on: launch).expectSuccess()
            try await workspace.train(out: "second", on: launch).expectSuccess()
            let record = try RunRecord(workspace("first"))
            #expect(try RunRecord(workspace("second")).difference(from: record) == nil)
            #expect(first.errors.contains("ranks are no power of two"), "\(first.errors)")
            let distance = try await record.distance(from: TinyRun.alone.value)
            #expect(distance < 1e-4)
        }

        @Test(arguments: [Launch.alone, .ranks(2), .ranks(4, nodes: "2"), .ranks(3)])
        func fastReductionAgreesUpToRounding(_ launch: Launch) async throws {
            let outcome = try await workspace.train(["parallel.reduction=fast"], on: launch).expectSuccess()
            #expect(outcome.errors.contains("parallel.reduction is fast"), "\(outcome.errors)")
            let distance = try await RunRecord(workspace("run")).distance(from: TinyRun.alone.value)
            #expect(distance < 1e-4)
        }

        /// Measuring is not part of the arithmetic.
        @Test(arguments: [
            ["run.evaluate_every=0", "run.log_every=1"],
            ["run.evaluate_every=1", "run.readout_sequences=7", "run.log_every=100"],
            ["run.evaluate_every=0", "data.validation=[]"],
            ["run.checkpoint_every=1", "run.keep_checkpoints=2"],
        ])
        func measuringChangesNothing(_ settings: [String]) async throws {
            try await workspace.train(settings).expectSuccess()
            let (found, wanted) = (try RunRecord(workspace("run")), try await TinyRun.alone.value)
            #expect(found.steps == wanted.steps)
            #expect(found.files == wanted.files)
        }

        @Test func anotherSeedIsAnotherRun() async throws {
            try await workspace.train(["run.seed=2"]).expectSuccess()
            let (found, wanted) = (try RunRecord(workspace("run")), try await TinyRun.alone.value)
            #expect(zip(found.steps, wanted.steps).allSatisfy { $0.loss != $1.loss })
            #expect(found.files != wanted.files)
        }
    }
}
