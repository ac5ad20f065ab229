import Foundation
import Testing

extension EndToEnd {
    /// Steps whose loss or gradient is no number, or whose loss leaps: skipped alike by every world size and every resumed
    /// run, told of by place and rank, and the end of a run only when nothing else comes.
    struct BadStepTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// A token that the fixture's data is given where a test wants it.
        private static let rareToken: UInt16 = 100

        /// The tiny run, from weights in which something is wrong, over data in which `rareToken` is at `places` only.
        private func config(
            changing changes: [String: (Int, Float) -> Float], rareAt places: [Int]
        ) throws -> String {
            var shard = try Data(contentsOf: URL(filePath: Repository.root + Repository.shard))
            let header = 256 * 4
            for place in 0..<((shard.count - header) / 2) {
                let byte = header + 2 * place
                if places.contains(place) {
                    shard[byte] = UInt8(Self.rareToken)
                } else if shard[byte] == UInt8(Self.rareToken) {
                    shard[byte] = UInt8(Self.rareToken - 1)
                }
            }
            let data = try workspace.write(shard, "rare.bin")
            let model = try workspace.model("model", changing: changes)
            return TinyRun.config
                .replacing(/model:\n(  .*\n)+/, with: "model: {init_from: \(model)}\n")
                .replacing(Repository.shard, with: data)
        }

        /// An embedding that is no number: bad is every step that reads the token, and no other.
        private static var brokenEmbedding: [String: (Int, Float) -> Float] {
            ["model.embed_tokens.weight": { $0 / 48 == Int(rareToken) ? .nan : $1 }]
        }

        /// Two windows of the data have the token; an epoch takes a little over six steps, the run twelve.
        @Test(.needsMPI) func skippedAlikeByEveryWorldSize() async throws {
            let config = try config(changing: Self.brokenEmbedding, rareAt: [700, 2100])
            let settings = ["run.checkpoint_every=1", "run.keep_checkpoints=100"]
            let alone = try await workspace.train(settings, config: config, out: "alone").expectSuccess()
            let record = try RunRecord(workspace("alone"))
            let bad = record.steps.filter { $0.bad != nil }
            #expect(record.steps.count == 12 && (2...4).contains(bad.count))
            #expect(record.steps.last?.skipped == bad.count)
            #expect(alone.errors.contains("\(bad.count) of 12 steps were skipped"), "\(alone.errors)")

            for step in bad {
                let fault = try #require(step.bad)
                #expect(fault.fault == "the loss is nan" && step.loss.isNaN)
                #expect(fault.place == "the embedding" && fault.repeatable == true && fault.rank == 0)
                let samples = try #require(fault.samples)
                // One sample, of the lane that it belongs to: two samples are a lane, and sixteen a step.
                #expect(samples[0] == samples[1] && (samples[0] / 2) % 8 == fault.lane)
                #expect(samples[0] / 16 == step.step - 1)
                #expect(
                    alone.errors.contains("step \(step.step) was skipped")
                        && alone.errors.contains("sample \(samples[0]) "))
            }
            // The step after a bad one begins with the weights from before it, and no checkpoint is of a bad step.
            let badSteps = Set(bad.map(\.step))
            let saved = try checkpoints(workspace("alone")).compactMap { Int($0.suffix(8)) }
            #expect(saved == (1...12).filter { !badSteps.contains($0) || $0 == 12 })

            for ranks in [1, 2, 4] {
                let out = "ranks \(ranks)"
                try await workspace.train(settings, config: config, out: out, on: .ranks(ranks)).expectSuccess()
                let other = try RunRecord(workspace(out))
                #expect(other.difference(from: record) == nil)
                for step in other.steps {
                    guard let fault = step.bad, let lane = fault.lane else { continue }
                    #expect(fault.rank == lane * ranks / 8)
                }
            }
        }

        /// From step 5 on every step is bad; what was saved before stays, and is found again.
        @Test(.needsMPI) func theLastGoodCheckpointStays() async throws {
            let places = (0..<36).map { 2100 + 30 * $0 }
            let config = try config(changing: Self.brokenEmbedding, rareAt: places)
            let settings = [
                "data.shuffle=false", "run.checkpoint_every=2", "run.evaluate_every=0", "optimizer.max_bad_steps=3",
            ]
            var saved: [String: Data]?
            for (ranks, start) in [(4, "the weights of"), (2, "step 4, from")] {
                let outcome = try await workspace.train(settings, config: config, on: .ranks(ranks))
                outcome.expectFailure(
                    65, "step 7: the loss is nan; first seen in the embedding, in sample ", "bad step 3 in a row",
                    "optimizer.max_bad_steps", "optimizer.learning_rate")
                #expect(outcome.errors.contains(start) && outcome.count(of: "bad step 3 in a row") == 1)
                #expect(try checkpoints(workspace("run")).compactMap { Int($0.suffix(8)) } == [2, 4])
                // Taking it up has verified every byte of it.
                let files = try contents(workspace("run")).filter { $0.key.hasPrefix("step-") }
                #expect(files == saved ?? files)
                saved = files
            }
        }

        @Test(
            .needsMPI,
            arguments: [
                (
                    "model.layers.1.mlp.down_proj.weight", Float.infinity, "the hidden states after layer 2 of 3"
                ),
                ("model.norm.weight", Float.nan, "the head (final norm, logits, cross-entropy)"),
            ])
        func theFirstPlaceIsNamed(tensor: String, value: Float, place: String) async throws {
            let config = try config(changing: [tensor: { $0 == 0 ? value : $1 }], rareAt: [])
            let outcome = try await workspace.train(["optimizer.max_bad_steps=2"], config: config, on: .ranks(2))
            outcome.expectFailure(65, "step 2: the loss is ", "first seen in \(place)", "(lane 0) on rank 0")
            #expect(try checkpoints(workspace("run")).isEmpty)
        }

        /// What `up` makes large meets a gate that is shut, so the loss is a number; but not how it changes with the gate.
        @Test func aGradientIsNamed() async throws {
            let layer = "model.layers.1.mlp."
            let config = try config(
                changing: [
                    layer + "gate_proj.weight": { _, _ in 0 }, layer + "up_proj.weight": { $1 * 1e12 },
                    layer + "down_proj.weight": { $1 * 1e38 },
                ], rareAt: [])
            let outcome = try await workspace.train(["optimizer.max_bad_steps=1"], config: config)
            outcome.expectFailure(
                65, "step 1: the gradient's norm is ", "first seen in the gradient of \(layer)gate_proj.weight")
        }

        /// With a guard that finds a spike every few steps, a resumed run must remember the losses before it.
        @Test(.needsMPI) func spikesAreTheSameAfterAResume() async throws {
            let settings = [
                "run.steps=60", "run.checkpoint_every=8", "run.evaluate_every=0", "optimizer.spike_threshold=0.5",
                "optimizer.spike_window=3",
            ]
            try await workspace.train(settings, out: "whole").expectSuccess()
            let whole = try RunRecord(workspace("whole"))
            let spikes = whole.steps.filter { $0.bad != nil }
            #expect(spikes.count >= 2 && spikes.count <= 20, "\(spikes.count) spikes")
            #expect(spikes.allSatisfy { $0.step > 3 && $0.bad?.fault.contains("standard deviations") == true })

            try await workspace.train(settings, on: .ranks(2)).expectSuccess()
            for _ in 0..<2 {
                try FileManager.default.removeItem(atPath: newestCheckpoint(workspace("run")))
                try await workspace.train(settings, on: .ranks(4)).expectSuccess()
                #expect(try RunRecord(workspace("run")).difference(from: whole) == nil)
            }
        }
    }
}
