import Foundation
import LlamaModel
import Testing
import Training

/// What goes out, as YAML or JSON, comes back as it was.
@Suite struct ConfigRoundTripTests {
    /// For each key a value that is not its default, and that goes with all the others.
    private static let otherValues = [
        "model.hidden_size": "48", "model.intermediate_size": "100", "model.num_hidden_layers": "5",
        "model.num_attention_heads": "6", "model.num_key_value_heads": "2", "model.head_dim": "10",
        "model.vocab_size": "101", "model.max_position_embeddings": "37", "model.rms_norm_eps": "1e-06",
        "model.rope_theta": "500000.0",
        "model.rope_scaling":
            "{rope_type: llama3, factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_max_position_embeddings: 8192}",
        "model.tie_word_embeddings": "false", "model.initializer_range": "0.01",
        "data.train": "[\"data/a b\", data/c*.bin, \"5\", \"null\", \"é: #\", \"say \\\"x\\\"\"]",
        "data.validation": "[]",
        "data.tokenizer": "some/tokenizer.model", "data.shuffle": "false", "data.document_mask": "true",
        "objective.z_loss": "0.0001", "objective.jreg.lambda": "0.1", "objective.jreg.kind": "jump-rate",
        "objective.jreg.alpha": "0.0", "objective.jreg.from": "5", "objective.jreg.warmup_steps": "7",
        "optimizer.learning_rate": "0.0003", "optimizer.min_learning_rate": "1e-05", "optimizer.schedule": "wsd",
        "optimizer.warmup_steps": "11", "optimizer.decay_steps": "13", "optimizer.beta1": "0.8",
        "optimizer.beta2": "0.999", "optimizer.epsilon": "1e-06", "optimizer.weight_decay": "0.0",
        "optimizer.max_grad_norm": "0.5", "optimizer.shard": "world",
        "batch.sequence_length": "36", "batch.micro_batch_size": "3", "batch.global_batch_size": "24",
        "batch.lanes": "4",
        "parallel.wire": "bf16", "parallel.threads_per_rank": "2", "parallel.recompute": "true",
        "run.steps": "40", "run.seed": "9007199254740991", "run.out": "\"out/with space\"", "run.log_every": "1",
        "run.evaluate_every": "0", "run.evaluation_sequences": "9", "run.readout_sequences": "0",
        "optimizer.max_bad_steps": "3", "optimizer.spike_threshold": "6.5", "optimizer.spike_window": "64",
        "run.checkpoint_every": "17", "run.checkpoint_in_background": "false", "run.keep_checkpoints": "2",
        "run.time_limit": "1d2h30m5s", "run.time_margin": "3m",
        "run.check_replicas_every": "7", "run.stall_timeout": "3m",
        "run.trace": "\"out/the trace.json\"",
    ]

    /// With weights to begin with there is no shape to give, and where MPI sums there is no wire to choose.
    private static let triedApart: Set = ["model.init_from", "parallel.reduction"]

    private static var changed: RunConfig {
        get throws {
            try RunConfig.load(yaml: "", named: "", overrides: otherValues.map { "\($0)=\($1)" }) { _ in LlamaConfig() }
        }
    }

    /// Key paths and values of printed YAML, comments off.
    private func entries(_ yaml: String) -> [String: String] {
        var sections: [String] = []
        var entries: [String: String] = [:]
        for line in yaml.split(separator: "\n") {
            let depth = line.prefix { $0 == " " }.count / 2
            let bare = line.replacing(#/ +# .*/#, with: "").trimming(while: \.isWhitespace)
            let name = String(bare.prefix { $0 != ":" })
            sections = sections.prefix(depth) + [name]
            let value = bare.dropFirst(name.count + 1).drop { $0 == " " }
            if !value.isEmpty { entries[sections.joined(separator: ".")] = String(value) }
        }
        return entries
    }

    @Test func everyKeyIsTried() {
        #expect(Set(Self.otherValues.keys) == Set(ConfigKey.all.map(\.path)).subtracting(Self.triedApart))
    }

    @Test func everyKeyIsPrintedAsItWasRead() throws {
        let printed = entries(try Self.changed.yaml)
        let defaults = entries(RunConfig().yaml)
        #expect(defaults.count == ConfigKey.all.count)
        for (path, value) in Self.otherValues {
            #expect(printed[path] == value)
            #expect(defaults[path] != nil && defaults[path] != value, "\(path)")
        }
    }

    @Test func yamlThereAndBack() throws {
        for config in [RunConfig(), try Self.changed] {
            #expect(try loaded(config.yaml) == config)
            #expect(try loaded(config.yaml).yaml == config.yaml)
        }
    }

    @Test func jsonThereAndBack() throws {
        for config in [RunConfig(), try Self.changed] {
            #expect(try RunConfig(json: config.json) == config)
            #expect(!config.json.contains("\n"))
            let tree = try #require(try JSONSerialization.jsonObject(with: Data(config.json.utf8)) as? [String: Any])
            #expect(Set(tree.keys) == ["model", "data", "objective", "optimizer", "batch", "parallel", "run"])
            let batch = try #require(tree["batch"] as? [String: Any])
            #expect(batch["sequence_length"] as? Int == config.batch.sequenceLength)
        }
    }

    @Test func damagedJSONIsToldWithItsPlace() {
        let json = RunConfig().json.replacing("\"lanes\":8", with: "\"lanes\":7")
        let error = #expect(throws: ConfigErrors.self) { try RunConfig(json: json) }
        #expect(error?.description.contains("trainer.json:1:") == true)
        #expect(throws: ConfigErrors.self) { try RunConfig(json: String(json.dropLast(5))) }
    }

    @Test func everyValueOfAChoice() throws {
        for kind in RunConfig.ObjectiveSection.JREG.Kind.allCases {
            #expect(try loaded("", "objective.jreg.kind=\(kind.rawValue)").objective.jreg.kind == kind)
        }
        for reduction in RunConfig.ParallelSection.Reduction.allCases {
            let config = try loaded("", "parallel.reduction=\(reduction.rawValue)")
            #expect(try config.parallel.reduction == reduction && loaded(config.yaml) == config)
        }
        for schedule in RunConfig.OptimizerSection.Schedule.allCases {
            #expect(try loaded("", "optimizer.schedule=\(schedule.rawValue)").optimizer.schedule == schedule)
        }
    }

    @Test func ropeScalingOfBothTypes() throws {
        let linear = try loaded("model:\n  rope_scaling:\n    rope_type: linear\n    factor: 4\n")
        #expect(linear.model.shape.ropeScaling == .linear(factor: 4))
        #expect(try loaded(linear.yaml) == linear)
        #expect(faults("model: {rope_scaling: {rope_type: linear}}").first?.contains("factor is missing") == true)
        #expect(
            faults("model: {rope_scaling: {rope_type: linear, factor: 2, betta: 1}}").first?
                .contains("betta is not one of its keys") == true)
    }

    @Test func referenceHasARowForEveryKey() {
        let reference = RunConfig.keyReference
        for key in ConfigKey.all { #expect(reference.contains("| `\(key.path)` | `")) }
        #expect(reference.contains("| `batch.lanes` | `8` | a whole number from 1 to 4096 |"))
        // A bar within a cell would break the table.
        let rows = reference.split(separator: "\n").filter { $0.hasPrefix("|") }
        #expect(rows.allSatisfy { $0.count(where: { $0 == "|" }) == 5 })
    }
}

extension StringProtocol {
    fileprivate func trimming(while isBlank: (Character) -> Bool) -> SubSequence {
        var rest = self[...]
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest.drop(while: isBlank)
    }
}
