import Foundation
import Testing

extension EndToEnd {
    /// Checkpoints that cannot be resumed. The run goes on from the last good one, and says why; or it says what to do.
    struct DamagedCheckpointTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// One run with two checkpoints, kept in memory for all tests.
        private static let twoCheckpoints = Task { () async throws -> [String: Data] in
            let workspace = try Workspace()
            try await workspace.train(settings).expectSuccess()
            return try contents(workspace("run"))
        }
        private static let settings = ["run.checkpoint_every=7", "run.keep_checkpoints=2"]
        private static let files = [
            "COMPLETE", "checksums.json", "config.json", "generation_config.json", "model.safetensors",
            "optimizer.safetensors", "trainer.json",
        ]

        private func layOut() async throws {
            for (name, content) in try await Self.twoCheckpoints.value { try workspace.write(content, "run/" + name) }
        }

        enum Damage: CaseIterable, Sendable {
            case flippedBit, cutShort, removed

            func apply(to path: String) throws {
                var content = try Data(contentsOf: URL(filePath: path))
                switch self {
                case .flippedBit: content[content.count / 2] ^= 4
                case .cutShort: content.removeLast()
                case .removed: return try FileManager.default.removeItem(atPath: path)
                }
                try content.write(to: URL(filePath: path))
            }
        }

        @Test func theListOfFilesIsThatOfACheckpoint() async throws {
            try await layOut()
            #expect(workspace.names("run/step-00000012") == Self.files)
        }

        @Test(arguments: files, Damage.allCases)
        func thePreviousOneIsTaken(_ file: String, _ damage: Damage) async throws {
            try await layOut()
            try damage.apply(to: workspace("run/step-00000012/" + file))
            let outcome = try await workspace.train(Self.settings).expectSuccess()
            // The marker and the list vouch for one another: if one is wrong, both are named.
            let reason = outcome.errors.split(separator: "\n").first { $0.contains("skipped a checkpoint") } ?? ""
            #expect(reason.contains("step-00000012") && reason.contains(file), "\(outcome.errors)")
            #expect(outcome.errors.contains("step 7, from"), "\(outcome.errors)")
            let difference = try await RunRecord(workspace("run")).difference(from: TinyRun.alone.value)
            #expect(difference == nil)
        }

        @Test(.needsMPI) func allRanksTakeThePreviousOne() async throws {
            try await layOut()
            try Damage.flippedBit.apply(to: workspace("run/step-00000012/optimizer.safetensors"))
            let outcome = try await workspace.train(Self.settings, on: .ranks(4, nodes: "2")).expectSuccess()
            #expect(outcome.count(of: "skipped a checkpoint") == 1, "\(outcome.errors)")
            let difference = try await RunRecord(workspace("run")).difference(from: TinyRun.alone.value)
            #expect(difference == nil)
        }

        @Test func allOfThemDamaged() async throws {
            try await layOut()
            try Damage.cutShort.apply(to: workspace("run/step-00000012/model.safetensors"))
            try Damage.removed.apply(to: workspace("run/step-00000007/trainer.json"))
            let before = try contents(workspace("run"))
            try await workspace.train(Self.settings).expectFailure(
                65, "no checkpoint that can be used", "step-00000012/model.safetensors", "step-00000007/trainer.json",
                "Remove them to start anew")
            #expect(try contents(workspace("run")) == before)
        }

        @Test func ofAnotherArchitecture() async throws {
            try await layOut()
            let before = try contents(workspace("run"))
            try await workspace.train(Self.settings + ["model.intermediate_size=64", "batch.lanes=4"]).expectFailure(
                64, "step-00000012", "another run", "model.intermediate_size is 56 there and 64 here",
                "batch.lanes is 8 there and 4 here", "name another --out")
            #expect(try contents(workspace("run")) == before)
        }

        @Test func ofOtherData() async throws {
            try await layOut()
            var other = try Data(contentsOf: URL(filePath: Repository.root + Repository.shard))
            other[1024] ^= 1
            let shard = try workspace.write(other, "other.bin")
            let before = try contents(workspace("run"))
            try await workspace.train(Self.settings + ["data.train=[\(shard)]"]).expectFailure(
                64, "step-00000012", "trained on other data", "30a15df70b37f39a")
            #expect(try contents(workspace("run")) == before)
        }

        /// Weights that are whole, but of another kind of model.
        @Test func initialWeightsOfAnotherArchitecture() async throws {
            try await layOut()
            let config = workspace("run/step-00000012/config.json")
            let text = try String(contentsOfFile: config, encoding: .utf8)
            let settings = ["model.init_from=\(workspace("run/step-00000012"))"]
            let plain = TinyRun.config.replacing(/model:\n(  .*\n)+/, with: "")

            try text.replacing("\"llama\"", with: "\"mistral\"").write(
                toFile: config, atomically: false, encoding: .utf8)
            let foreign = try await workspace.train(settings, config: plain, out: "new")
            foreign.expectFailure(64, "config.json", "mistral")

            try text.replacing("\"intermediate_size\": 56", with: "\"intermediate_size\": 57")
                .write(toFile: config, atomically: false, encoding: .utf8)
            try await workspace.train(settings, config: plain, out: "new").expectFailure(
                65, "do not fit the model", "mlp.gate_proj.weight", "57", "56")
            #expect(workspace.names("new").isEmpty)
        }
    }
}
