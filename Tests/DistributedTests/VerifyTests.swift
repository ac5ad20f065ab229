import Foundation
import Testing

extension EndToEnd {
    /// `verify` names each file that is wrong, and none that is not.
    struct VerifyTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private struct Report: Decodable {
            struct File: Decodable {
                let path: String
                let bytes: Int?
                let problem: String?
            }
            let kind: String
            let ok: Bool
            let files: [File]

            var wrong: [String] { files.filter { $0.problem != nil }.map { URL(filePath: $0.path).lastPathComponent } }
        }

        private func verify(_ directory: String) async throws -> Report {
            let outcome = try await jregDist(["verify", workspace(directory), "--json"])
            let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
            #expect(outcome.exitCode == (report.ok ? 0 : 65) && report.ok == report.wrong.isEmpty)
            return report
        }

        /// Each file in turn with one bit flipped, cut short, or gone.
        private func damageEach(_ directory: String, of kind: String, except marked: [String] = []) async throws {
            let sound = try await verify(directory)
            #expect(sound.ok && sound.kind == kind, "\(sound)")
            for name in workspace.names(directory) {
                let path = workspace(directory + "/" + name)
                let content = try Data(contentsOf: URL(filePath: path))
                var flipped = content
                flipped[content.count / 2] ^= 4
                for damage in [flipped, content.dropLast(1 + content.count / 3)] {
                    try damage.write(to: URL(filePath: path))
                    let report = try await verify(directory)
                    #expect(
                        report.wrong.contains(name) && report.wrong.allSatisfy { $0 == name || marked.contains($0) },
                        "\(name): \(report.wrong)")
                }
                try FileManager.default.removeItem(atPath: path)
                #expect(try await verify(directory).wrong.contains(name), "\(name)")
                try content.write(to: URL(filePath: path))
            }
            #expect(try await verify(directory).ok)
        }

        @Test func aCheckpointAndItsRun() async throws {
            try await workspace.train(["run.checkpoint_every=4"]).expectSuccess()
            // The marker and the list vouch for one another.
            try await damageEach("run/step-00000008", of: "checkpoint", except: ["COMPLETE", "checksums.json"])

            let run = try await verify("run")
            #expect(run.ok && run.kind == "run" && run.files.count == 3 * 7)
            try workspace.write("x", "run/step-00000004/optimizer.safetensors")
            let outcome = try await jregDist(["verify", workspace("run")])
            #expect(outcome.exitCode == 65)
            #expect(
                outcome.output.contains("WRONG  \(workspace("run/step-00000004/optimizer.safetensors")) has 1 bytes"))
            #expect(outcome.output.contains("1 of 21 files are wrong") && outcome.output.contains("OK     "))
        }

        @Test func aDataset() async throws {
            try await jregDist([
                "prepare", "--input", "LICENSE", "--out", workspace("data"), "--bytes", "--val-fraction", "0.1",
            ]).expectSuccess()
            let names = workspace.names("data")
            #expect(names.contains("dataset.json") && names.contains("train_000000.bin"))
            let sound = try await verify("data")
            #expect(sound.ok && sound.kind == "dataset" && sound.files.count == 4, "\(sound)")
            for name in names.filter({ $0.hasSuffix(".bin") }) {
                let content = try Data(contentsOf: URL(filePath: workspace("data/" + name)))
                var flipped = content
                flipped[content.count - 2] ^= 1
                for damage in [flipped, content.dropLast(), content.prefix(10)] {
                    try workspace.write(damage, "data/" + name)
                    #expect(try await verify("data").wrong == [name])
                }
                try workspace.write(content, "data/" + name)
            }
            // A path that leads out of the directory, and a description that does not agree with itself.
            let text = try String(contentsOfFile: workspace("data/dataset.json"), encoding: .utf8)
            try workspace.write(
                text.replacing("\"train_000000.bin\"", with: "\"../data/train_000000.bin\""), "data/dataset.json")
            #expect(try await verify("data").wrong == ["dataset.json"])
            try workspace.write(
                text.replacing(/"fingerprint" : "./, with: "\"fingerprint\" : \"z"), "data/dataset.json")
            #expect(try await verify("data").wrong == ["dataset.json"])
            try workspace.write(String(text.dropLast(9)), "data/dataset.json")
            #expect(try await verify("data").wrong == ["dataset.json"])
        }

        @Test func aModelFromElsewhere() async throws {
            let sharded = Repository.root + "Tests/Fixtures/checkpoints/sharded"
            let plain = Repository.root + "Tests/Fixtures/models/gqa"
            for (name, source) in [("sharded", sharded), ("plain", plain)] {
                try FileManager.default.copyItem(atPath: source, toPath: workspace(name))
                let report = try await verify(name)
                #expect(report.ok && report.kind == "model", "\(report)")
            }
            // No number, in the last weight.
            var weights = try Data(contentsOf: URL(filePath: workspace("plain/model.safetensors")))
            weights.replaceSubrange((weights.count - 4)..., with: [0, 0, 0xc0, 0x7f])
            try workspace.write(weights, "plain/model.safetensors")
            let outcome = try await jregDist(["verify", workspace("plain")])
            #expect(
                outcome.exitCode == 65
                    && outcome.output.contains("1 of its numbers are infinite or no numbers, the first is"))
            try workspace.write(weights.dropLast(), "plain/model.safetensors")
            #expect(try await verify("plain").wrong == ["model.safetensors"])

            let shard = workspace.names("sharded").first { $0.hasPrefix("model-00002") }!
            try FileManager.default.removeItem(atPath: workspace("sharded/" + shard))
            #expect(try await verify("sharded").wrong.contains(shard))
            let config = try String(contentsOfFile: plain + "/config.json", encoding: .utf8)
            try workspace.write(
                Data(contentsOf: URL(filePath: plain + "/model.safetensors")), "plain/model.safetensors")
            try workspace.write(
                config.replacing(/"intermediate_size": [0-9]+/, with: "\"intermediate_size\": 7"), "plain/config.json")
            #expect(try await verify("plain").wrong == ["model.safetensors"])
        }

        @Test func whatIsNoneOfThese() async throws {
            try await jregDist(["verify", workspace("absent")]).expectFailure(65, "there is no directory")
            try workspace.write("x", "folder/file")
            try await jregDist(["verify", workspace("folder")]).expectFailure(65, "holds no checkpoint", "dataset.json")
        }
    }
}
