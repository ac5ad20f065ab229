import Foundation
import Testing

extension EndToEnd {
    /// The memory that the banner announces is the memory that the kernel counts.
    @Suite(.needsMPI) struct MemoryTests {
        /// 28 M parameters, 113 MB of weights; long sequences, so that every rank has used what it allocates.
        private static let settings = [
            "model.hidden_size=512", "model.intermediate_size=1536", "model.num_hidden_layers=7",
            "model.num_attention_heads=8", "model.num_key_value_heads=8", "model.vocab_size=8192",
            "model.tie_word_embeddings=true", "model.max_position_embeddings=256", "batch.sequence_length=256",
            "batch.global_batch_size=8", "run.log_every=1", "run.steps=1000", "run.checkpoint_every=1",
        ]

        /// Were they there once for each of the eight ranks, the node would have two and a half times as much.
        @Test func weightsAndMomentsExistOnceOnANode() async throws {
            let workspace = try Workspace()
            let run = try Launch(ranks: 8, environment: workspace.leftoversOfMPI)
                .start(workspace.trainArguments(Self.settings))
            // With the second step the snapshot of the first is there.
            try await run.wait(within: .seconds(120)) { Metrics.lastStep(workspace("run")) >= 2 }
            let counted = ProcessTree.running(Repository.program, among: run.processes)
                .compactMap(ProcessTree.proportionalMemory)
            run.kill()
            let banner = try await run.end(within: .seconds(120)).errors
            let logged = try #require(Metrics(workspace("run")).nodeMemory.last)

            #expect(counted.count == 8)
            let planned = try #require(Self.bytes(in: banner, before: " on a node"))
            let weights = try #require(Self.bytes(in: banner, before: " and moments"))
            let moments = try #require(Self.bytes(in: banner, before: " once"))
            #expect(weights > 110e6 && abs(moments / weights - 2) < 0.01)
            for memory in [counted.reduce(0, +), logged] {
                #expect(abs(Double(memory) / planned - 1) < 0.1, "\(memory) bytes, planned \(planned)")
            }
        }

        /// The size that stands in `text` before a phrase, such as 1.6 GiB.
        private static func bytes(in text: String, before phrase: String) -> Double? {
            let units = ["KiB": 1024.0, "MiB": 1_048_576, "GiB": 1_073_741_824]
            guard let end = text.range(of: phrase) else { return nil }
            let words = text[..<end.lowerBound].split(separator: " ").suffix(2)
            guard words.count == 2, let number = Double(words.first!), let unit = units[String(words.last!)] else {
                return nil
            }
            return number * unit
        }
    }
}
