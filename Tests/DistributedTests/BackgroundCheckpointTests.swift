import Foundation
import Testing

extension EndToEnd {
    /// Checkpoints that are written while training goes on.
    struct BackgroundCheckpointTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private static let settings = ["run.checkpoint_every=4", "run.keep_checkpoints=3"]

        /// The files of every checkpoint but what names the setting itself.
        private func checkpointFiles(_ out: String) throws -> [String: Data] {
            try contents(workspace(out)).filter { $0.key.hasPrefix("step-") }
                .filter {
                    !["trainer.json", "checksums.json", "COMPLETE"].contains($0.key.split(separator: "/").last!)
                }
        }

        @Test(.needsMPI, arguments: [Launch.alone, .ranks(2), .ranks(4, nodes: "2")], ["node", "world"])
        func theFilesAreThoseWrittenInPlace(launch: Launch, shard: String) async throws {
            let settings = Self.settings + ["optimizer.shard=\(shard)"]
            let behind = try await workspace.train(settings, out: "behind", on: launch).expectSuccess()
            let inPlace = try await workspace.train(
                settings + ["run.checkpoint_in_background=false"], out: "in-place", on: launch
            ).expectSuccess()
            let files = try checkpointFiles("behind")
            #expect(files.count == 3 * 4)
            let isEqual = try files == checkpointFiles("in-place")
            #expect(isEqual)
            let difference = try RunRecord(workspace("behind")).difference(from: RunRecord(workspace("in-place")))
            #expect(difference == nil)
            for outcome in [behind, inPlace] {
                for step in ["04", "08", "12"] {
                    #expect(outcome.count(of: "step-000000\(step) written in") == 1, "\(outcome.errors)")
                }
                #expect(outcome.count(of: "training stood still for") == 3)
            }
            #expect(behind.errors.contains("a snapshot of") && !inPlace.errors.contains("a snapshot of"))
        }

        /// It changes nothing in the numbers, so a resume may change it.
        @Test func aResumedRunMaySwitch() async throws {
            try await workspace.train(Self.settings + ["run.checkpoint_in_background=false"]).expectSuccess()
            try FileManager.default.removeItem(atPath: newestCheckpoint(workspace("run")))
            let resumed = try await workspace.train(Self.settings).expectSuccess()
            #expect(resumed.errors.contains("step 8, from"), "\(resumed.errors)")
            let difference = try await RunRecord(workspace("run")).difference(from: TinyRun.alone.value)
            #expect(difference == nil)
        }

        /// Few tokens and a large vocabulary: a step is much shorter than the writing of 58 MB.
        @Test(.needsMPI) func aSaveThatComesTooSoonWaitsAndSaysSo() async throws {
            let settings = [
                "run.checkpoint_every=1", "run.evaluate_every=0", "run.steps=6", "model.vocab_size=50000",
                "batch.sequence_length=2", "batch.global_batch_size=8", "run.evaluation_sequences=3",
            ]
            let outcome = try await workspace.train(settings, on: .ranks(2)).expectSuccess()
            let waits = outcome.count(of: "run.checkpoint_every (1) is shorter than the time of a write")
            #expect(waits > 0, "\(outcome.errors)")
            #expect(outcome.count(of: "written in") == 6)
            #expect(try checkpoints(workspace("run")).count == 3)
            try await jregDist(["verify", workspace("run")]).expectSuccess()
        }
    }
}
