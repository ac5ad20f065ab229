import Foundation
import Testing

extension EndToEnd {
    /// Text and shards that cannot be used: a message that names the file and what is wrong with it, exit code 65 (64
    /// where the path is wrong), and nothing written.
    struct DataMistakeTests {
        let workspace: Workspace
        private let shard: Data

        init() throws {
            workspace = try Workspace()
            shard = try Data(contentsOf: URL(filePath: Repository.root + Repository.shard))
        }

        private func train(on shard: Data, _ settings: String...) async throws -> Outcome {
            let path = try workspace.write(shard, "data/part.bin")
            let outcome = try await workspace.train(["data.train=[\(path)]"] + settings)
            #expect(workspace.names("run").isEmpty)
            #expect(outcome.errors.contains("data/part.bin"))
            return outcome
        }

        @Test func missing() async throws {
            try await workspace.train(["data.train=[no/such/shard.bin]"]).expectFailure(
                64, "no/such/shard.bin", "no such file")
            try await workspace.train(["data.train=[\(workspace("*.bin"))]"]).expectFailure(
                64, workspace("*.bin"), "matches nothing")
            try await workspace.train(["data.train=[Tests/Fixtures]"]).expectFailure(
                64, "Tests/Fixtures holds no dataset.json", "jreg-dist prepare")
            #expect(workspace.names("run").isEmpty)
        }

        @Test func truncated() async throws {
            try await train(on: shard.dropLast(2)).expectFailure(
                65, "damaged", "promises 3206 tokens", "copied in full?")
            try await train(on: shard.prefix(1024)).expectFailure(65, "damaged", "promises 3206 tokens")
            try await train(on: shard.prefix(7)).expectFailure(65, "wanted a token shard")
            try await train(on: Data()).expectFailure(65, "is empty")
            try await train(on: shard + [0, 0]).expectFailure(65, "damaged", "promises 3206 tokens")
        }

        @Test func foreign() async throws {
            try await train(on: Data("It was a dark and stormy night.".utf8)).expectFailure(
                65, "looks like text", "jreg-dist prepare --input")
            try await train(on: shard.dropFirst(1024)).expectFailure(65, "has no header", "wanted a token shard")
            try await train(on: Data([0x1f, 0x8b, 8, 0] + [UInt8](repeating: 0, count: 2000))).expectFailure(
                65, "gzip", "wanted a token shard")
            var version = shard
            version[4] = 9
            try await train(on: version).expectFailure(65, "version 9, wanted 1")
        }

        @Test func tokensBeyondTheVocabulary() async throws {
            var tokens = shard
            tokens[1024 + 2 * 2000] = 101
            try await train(on: tokens).expectFailure(
                65, "token 2000 has the id 101", "vocabulary has 101 ids", "model.vocab_size")
            let validation = try workspace.write(tokens, "data/validation.bin")
            try await workspace.train(["data.validation=[\(validation)]"]).expectFailure(
                65, "data/validation.bin", "token 2000 has the id 101")
        }

        @Test func tooShortForOneWindow() async throws {
            var tiny = shard.prefix(1024 + 2 * 32)
            tiny[8] = 32
            tiny[9] = 0
            let path = try workspace.write(tiny, "part.bin")
            try await workspace.train(["data.train=[\(path)]"]).expectFailure(
                65, "the train data is too short for one window", "needs a shard of 33 tokens", "has 32")
            #expect(workspace.names("run").isEmpty)
        }

        @Test func preparedDataThatWasChanged() async throws {
            let text = try workspace.write(String(repeating: "some words to learn\n", count: 100), "text.txt")
            try await jregDist(["prepare", "--input", text, "--out", workspace("data"), "--bytes"]).expectSuccess()
            let part = workspace("data/train_000000.bin")
            var content = try Data(contentsOf: URL(filePath: part))
            content[1500] ^= 1
            try content.write(to: URL(filePath: part))
            let settings = ["data.train=[\(workspace("data"))]", "data.validation=null", "model.vocab_size=257"]
            try await workspace.train(settings).expectFailure(
                65, "train_000000.bin is not the shard that dataset.json beside it lists")
            #expect(workspace.names("run").isEmpty)
        }

        @Test(arguments: ["", " \n\t\n"])
        func emptyText(_ text: String) async throws {
            let file = try workspace.write(text, "text.txt")
            try await jregDist(["prepare", "--input", file, "--out", workspace("data"), "--bytes"]).expectFailure(
                65, "there is no text in", "text.txt")
            #expect(workspace.names() == ["text.txt"])
        }

        @Test func textThatIsNotThere() async throws {
            try await jregDist(["prepare", "--input", workspace("none"), "--out", workspace("data"), "--bytes"])
                .expectFailure(64, workspace("none"))
            #expect(workspace.names().isEmpty)
        }

        @Test func aDatasetIsNotOverwrittenByAccident() async throws {
            let text = try workspace.write("one\n\ntwo\n", "text.txt")
            let prepare = ["prepare", "--input", text, "--out", workspace("data"), "--bytes"]
            try await jregDist(prepare).expectSuccess()
            let before = try contents(workspace("data"))
            try await jregDist(prepare).expectFailure(64, "holds a finished dataset", "--overwrite")
            #expect(try contents(workspace("data")) == before)
            try await jregDist(prepare + ["--overwrite"]).expectSuccess()
            #expect(try contents(workspace("data")) == before)
        }
    }
}
