import Foundation
import LlamaModel
import Testing
import Training

/// Where a configuration comes from: files, the command line, a checkpoint.
@Suite struct ConfigSourceTests {
    @Test func overridesGoBeforeTheFileAndTheLastOneCounts() throws {
        let config = try loaded("batch: {lanes: 4}\nrun: {out: a}", "batch.lanes=2", "batch.lanes=1", "run.out=b=c")
        #expect(config.batch.lanes == 1)
        #expect(config.run.out == "b=c")
    }

    @Test func overrideOfASection() throws {
        let config = try loaded("objective: {jreg: {alpha: 2}}", "objective.jreg={lambda: 0, kind: final}")
        #expect(config.objective.jreg.lambda == 0)
        #expect(config.objective.jreg.kind == .final)
        #expect(config.objective.jreg.alpha == 2)
    }

    @Test(arguments: [
        ("batch.lane=8", "--set: unknown key batch.lane; did you mean batch.lanes?"),
        ("lanes=8", "--set: unknown key lanes; did you mean batch.lanes?"),
        ("=8", "--set: \"=8\" is no assignment; write KEY=VALUE, such as batch.lanes=8"),
        ("batch.lanes=", "--set: batch.lanes is empty, but must be a whole number from 1 to 4096; the default is 8"),
        ("data.train=[a", "--set: not valid YAML: did not find expected ',' or ']' (while parsing a flow sequence)"),
        (
            "batch=8",
            "--set: batch is 8, but must be a map of its keys: "
                + "sequence_length, micro_batch_size, global_batch_size, lanes"
        ),
    ])
    func wrongOverride(_ assignment: String, _ message: String) {
        #expect(faults("", assignment) == [message])
    }

    @Test(arguments: [
        ("90", 90), ("90s", 90), ("6m", 360), ("2h30m", 9000), ("1d1s", 86_401), ("366d", 366 * 86_400),
    ])
    func durations(_ text: String, _ seconds: Int) throws {
        #expect(try loaded("", "run.time_limit=\(text)").run.timeLimit == .seconds(seconds))
    }

    @Test(arguments: ["0", "-5", "0s", "m", "30m2h", "6m6m", "1.5h", "367d", "99999999999999999999", "6 m", "٣m"])
    func noDurations(_ text: String) {
        #expect(faults("", "run.time_limit=\(text)").count == 1)
    }

    @Test func headsFollowFromTheQueryHeads() throws {
        let derived = try loaded("model: {hidden_size: 256, num_attention_heads: 8}").model.shape
        #expect(derived.numKeyValueHeads == 8)
        #expect(derived.headDim == 32)
        let given = try loaded(
            "model: {hidden_size: 250, num_attention_heads: 8, num_key_value_heads: 2, head_dim: 16}")
        #expect(given.model.shape.numKeyValueHeads == 2)
        #expect(given.model.shape.headDim == 16)
        // What the command line gives counts as given, too.
        #expect(
            try loaded("model: {num_attention_heads: 4, hidden_size: 256}", "model.head_dim=32").model.shape.headDim
                == 32
        )
    }

    @Test func learningRateEndsAtATenthUnlessGiven() throws {
        #expect(try loaded("optimizer: {learning_rate: 5e-4}").optimizer.finalLearningRate == 5e-5)
        #expect(try loaded("optimizer: {min_learning_rate: 0}").optimizer.finalLearningRate == 0)
    }

    @Test func numbersOfYAMLAndOfPeople() throws {
        let config = try loaded("optimizer: {learning_rate: 3e-4, epsilon: 1E-6}\nrun: {steps: 1e5, seed: +7}")
        #expect(config.optimizer.learningRate == 3e-4)
        #expect(config.optimizer.epsilon == 1e-6)
        #expect(config.run.steps == 100_000)
        #expect(config.run.seed == 7)
    }

    @Test func emptyFilesAndSectionsAreTheQuickstart() throws {
        #expect(try loaded("") == RunConfig())
        #expect(try loaded("# nothing\n") == RunConfig())
        #expect(try loaded("run:\nobjective:\n  jreg:\n") == RunConfig())
        #expect(try loaded("\u{FEFF}run:\r\n  steps: 400\r\n") == RunConfig())
    }

    // MARK: - model.init_from

    private func load(from shape: LlamaConfig, _ yaml: String) throws -> RunConfig {
        try RunConfig.load(yaml: yaml, named: "test.yaml") { directory in
            #expect(directory == "some/checkpoint")
            return shape
        }
    }

    @Test func checkpointDecidesTheShape() throws {
        var shape = LlamaConfig()
        shape.hiddenSize = 96
        shape.ropeScaling = .linear(factor: 2)
        let config = try load(from: shape, "model: {init_from: some/checkpoint}")
        #expect(config.model.shape == shape)
        // Printed, the shape is a comment, and what is printed loads again.
        #expect(config.yaml.contains("  # hidden_size: 96 "))
        #expect(try load(from: shape, config.yaml) == config)
        // Stored, it is complete: the directory may be gone by then.
        #expect(try RunConfig(json: config.json) == config)
    }

    @Test func otherModelKeysBesideACheckpointAreNamed() {
        let error = #expect(throws: ConfigErrors.self) {
            try load(from: LlamaConfig(), "model:\n  init_from: some/checkpoint\n  hidden_size: 96\n  vocab_size: 7\n")
        }
        #expect(
            error?.description
                == "test.yaml:2:14: model.init_from takes the shape from some/checkpoint/config.json, but "
                + "these keys are given beside it: hidden_size (test.yaml:3:16), vocab_size (test.yaml:4:15); take them away"
        )
    }

    @Test func unusableCheckpointsAreNamed() {
        #expect(
            faults("model: {init_from: nowhere}") == [
                "test.yaml:1:20: model.init_from is nowhere, which cannot be used: no checkpoint is there"
            ])
        var absurd = LlamaConfig()
        absurd.vocabSize = .max
        absurd.ropeTheta = .nan
        let error = #expect(throws: ConfigErrors.self) {
            try load(from: absurd, "model: {init_from: some/checkpoint}")
        }
        #expect(
            error?.problems.map(\.message) == [
                "model.init_from is some/checkpoint, whose vocab_size is 9223372036854775807, but must be "
                    + "a whole number from 1 to 4194304",
                "model.init_from is some/checkpoint, whose rope_theta is nan, but must be "
                    + "a number above 0 and at most 1000000000000.0",
            ])
    }

    // MARK: - Files

    private func fault(ofFile contents: Data?) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "config-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try contents?.write(to: file)
        let error = #expect(throws: ConfigErrors.self) {
            try RunConfig.load(file: file.path()) { _ in throw NoCheckpoint() }
        }
        return (error?.description ?? "").replacing(file.path(), with: "FILE")
    }

    @Test func filesThatAreNoConfiguration() throws {
        #expect(try fault(ofFile: nil) == "FILE: does not exist; check the path")
        #expect(
            try fault(ofFile: Data(repeating: UInt8(ascii: "#"), count: 1 << 20 + 1)).hasPrefix("FILE: has more than"))
        #expect(try fault(ofFile: Data([0x72, 0xFF, 0xFE])).hasPrefix("FILE: is not UTF-8"))
        #expect(
            try fault(ofFile: Data("run: {stepz: 5}".utf8))
                == "FILE:1:7: unknown key run.stepz; did you mean run.steps?")
    }

    @Test func directoriesAndEndlessDevicesAreRefused() {
        for (path, message) in [
            ("/", "/: is a directory; name the YAML file in it"), ("/dev/zero", "/dev/zero: has more than"),
            ("/dev/zero/x", "/dev/zero/x: cannot be read: Not a directory"),
        ] {
            let error = #expect(throws: ConfigErrors.self) {
                try RunConfig.load(file: path) { _ in throw NoCheckpoint() }
            }
            #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
        }
    }

    @Test func withoutAFileItIsTheQuickstart() throws {
        #expect(try RunConfig.load(file: nil) { _ in throw NoCheckpoint() } == RunConfig())
    }
}
