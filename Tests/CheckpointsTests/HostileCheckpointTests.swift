import Checkpoints
import Foundation
import LlamaModel
import Testing

/// Checkpoints that were made to do harm: nothing outside of them is read, written or removed, and nothing waits for ever.
@Suite struct HostileCheckpointTests {
    /// Replaces a file of a sound checkpoint.
    private func withCheckpoint(
        replacing name: String, _ replace: (String) throws -> Void, _ body: (String) throws -> Void
    )
        throws
    {
        try withTemporaryDirectory { directory in
            let checkpoint = try save(CheckpointStore(directory: directory + "/run", keep: 2), step: 1)
            try FileManager.default.removeItem(atPath: checkpoint + "/" + name)
            try replace(checkpoint + "/" + name)
            try body(checkpoint)
        }
    }

    private static let own = [
        "trainer.json", "model.safetensors", "optimizer.safetensors", "checksums.json", "COMPLETE",
    ]

    @Test(arguments: own) func aLinkIsRefused(name: String) throws {
        try withTemporaryDirectory { elsewhere in
            let sound = try save(CheckpointStore(directory: elsewhere, keep: 2), step: 1)
            // Even one that leads to the very bytes.
            try withCheckpoint(replacing: name) {
                try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: sound + "/" + name)
            } _: { checkpoint in
                let refusal = failure { _ = try Checkpoint(verifying: checkpoint) }
                #expect(refusal?.kind == .damaged && refusal?.description.contains("\(name) is a link") == true)
                #expect(Checkpoint.inspect(checkpoint).contains { $0.problem?.contains("is a link") == true })
            }
        }
    }

    @Test(arguments: own) func aPipeIsNotWaitedFor(name: String) throws {
        try withCheckpoint(replacing: name) {
            #expect(mkfifo($0, 0o600) == 0)
        } _: { checkpoint in
            let refusal = failure { _ = try Checkpoint(verifying: checkpoint) }
            #expect(refusal?.description.contains("not a regular file") == true, "\(String(describing: refusal))")
        }
    }

    @Test(arguments: ["../../victim", "/tmp/victim", "..", "sub/victim", "a\u{1b}]0;x\u{7}"])
    func aListThatLeadsOut(name: String) throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory + "/run", keep: 2)
            let checkpoint = try save(store, step: 1)
            let victim = directory + "/victim"
            try write("precious", to: victim)
            let digest = try FileDigest(ofFile: victim)
            let list = ["files": [name: ["bytes": JSONValue.integer(digest.bytes), "xxh3": .string(digest.xxh3)]]]
            let content = JSONValue.object(list.mapValues { .object($0.mapValues { .object($0) }) }).text
            try write(content, to: checkpoint + "/checksums.json")
            try write(try FileDigest(ofFile: checkpoint + "/checksums.json").xxh3 + "\n", to: checkpoint + "/COMPLETE")
            let refusal = failure { _ = try Checkpoint(verifying: checkpoint) }
            #expect(refusal?.description.contains("no plain file name") == true)
            #expect(refusal?.description.contains("\u{1b}") == false)
            // Later saves push it out, and must remove no more than is in it.
            for step in 2...5 { try save(store, step: step) }
            #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
            #expect(try steps(store) == [4, 5])
        }
    }

    /// The lock is a file that is emptied and written.
    @Test func aLockThatIsALinkOrAPipe() throws {
        try withTemporaryDirectory { directory in
            try write("precious", to: directory + "/victim")
            try FileManager.default.createDirectory(atPath: directory + "/run", withIntermediateDirectories: true)
            let lock = directory + "/run/run.lock"
            try FileManager.default.createSymbolicLink(atPath: lock, withDestinationPath: "../victim")
            #expect(
                failure { _ = try RunLock(directory: directory + "/run") }?.description.contains("is a link") == true)
            #expect(try String(contentsOfFile: directory + "/victim", encoding: .utf8) == "precious")
            try FileManager.default.removeItem(atPath: lock)
            #expect(mkfifo(lock, 0o600) == 0)
            let refusal = failure { _ = try RunLock(directory: directory + "/run") }
            #expect(refusal?.description.contains("not a regular file") == true)
        }
    }

    /// What another run wrote there may be meant for the terminal.
    @Test func aLockThatTalksToTheTerminal() throws {
        try withTemporaryDirectory { directory in
            let lock = directory + "/run.lock"
            try write("process 1\u{1b}[2J on a\r\u{9b}b", to: lock)
            let holder = open(lock, O_RDWR)
            defer { close(holder) }
            #expect(flock(holder, LOCK_EX) == 0)
            let refusal = try #require(failure { _ = try RunLock(directory: directory) })
            #expect(refusal.description.contains("process 1") && refusal.kind == .inUse)
            #expect(!refusal.description.unicodeScalars.contains { $0.properties.generalCategory == .control })
        }
    }

    /// A file that says it holds what no memory does is refused before any memory is taken for it.
    @Test func aConfigurationLargerThanTheWeights() throws {
        try withTemporaryDirectory { directory in
            var shape = oddConfig()
            shape.numHiddenLayers = 1024
            shape.intermediateSize = 262_144
            let checkpoint = try save(CheckpointStore(directory: directory, keep: 2), step: 1)
            let config = HuggingFaceConfig(model: shape, specialTokens: SpecialTokens())
            try write(config.json.text, to: checkpoint + "/config.json")
            let source = try HuggingFaceCheckpoint(directory: checkpoint)
            let refusal = failure { try source.requireFit(ParameterLayout(source.config.model)) }
            #expect(refusal?.description.contains("do not fit the model") == true)
        }
    }

    /// JSON whose nesting would fill the stack.
    @Test(arguments: ["[", "{\"a\":", "[[{\"b\":["]) func nestedWithoutEnd(_ open: String) throws {
        try withTemporaryDirectory { directory in
            for depth in [100, 511, 513, 10_000, 1_000_000] {
                try write(String(repeating: open, count: depth), to: directory + "/config.json")
                let refusal = failure { _ = try HuggingFaceConfig(path: directory + "/config.json") }
                #expect(refusal?.kind == .damaged)
            }
            // Closed again it is JSON, as deep as it is; one that is no configuration.
            let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
            try write("{\"model_type\": \(deep)}", to: directory + "/config.json")
            #expect(failure { _ = try HuggingFaceConfig(path: directory + "/config.json") } != nil)
        }
    }
}
