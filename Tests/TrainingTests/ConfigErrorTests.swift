import Foundation
import LlamaModel
import Testing
import Training

/// Each kind of fault: its place, its words, and that none hides another.
@Suite struct ConfigErrorTests {
    @Test func unknownKeyNamesTheNearest() {
        #expect(
            faults("optimizer:\n  learning_rat: 1e-3\n") == [
                "test.yaml:2:3: unknown key optimizer.learning_rat; did you mean optimizer.learning_rate?"
            ])
        #expect(
            faults("# a comment\noptimiser:\n  beta1: 0.5\n") == [
                "test.yaml:2:1: unknown key optimiser; did you mean optimizer?"
            ])
    }

    @Test func keyOfAnotherSectionIsNamedInFull() {
        #expect(
            faults("run:\n  sequence_length: 128\n") == [
                "test.yaml:2:3: unknown key run.sequence_length; did you mean batch.sequence_length?"
            ])
        #expect(
            faults("optimizer: {lamda: 1}") == [
                "test.yaml:1:13: unknown key optimizer.lamda; did you mean objective.jreg.lambda?"
            ])
        #expect(
            faults("run: {warmup_steps: 1}") == [
                "test.yaml:1:7: unknown key run.warmup_steps; "
                    + "did you mean objective.jreg.warmup_steps or optimizer.warmup_steps?"
            ])
    }

    @Test func keyLikeNoneListsTheSection() {
        #expect(
            faults("batch:\n  zzzzzzzz: 1\n") == [
                "test.yaml:2:3: unknown key batch.zzzzzzzz; "
                    + "batch has sequence_length, micro_batch_size, global_batch_size, lanes"
            ])
        #expect(
            faults("zzzzzzzz: 1") == [
                "test.yaml:1:1: unknown key zzzzzzzz; "
                    + "the sections are model, data, objective, optimizer, batch, parallel, run"
            ])
    }

    @Test(arguments: [
        (
            "batch: {lanes: eight}",
            "test.yaml:1:16: batch.lanes is eight, but must be a whole number from 1 to 4096; the default is 8"
        ),
        (
            "batch: {lanes: 0}",
            "test.yaml:1:16: batch.lanes is 0, but must be a whole number from 1 to 4096; the default is 8"
        ),
        (
            "batch: {lanes: 2.5}",
            "test.yaml:1:16: batch.lanes is 2.5, but must be a whole number from 1 to 4096; the default is 8"
        ),
        (
            "batch: {lanes: '8'}",
            "test.yaml:1:16: batch.lanes is \"8\", but must be a whole number from 1 to 4096; take the quotes away"
        ),
        (
            "batch: {lanes: [8]}",
            "test.yaml:1:16: batch.lanes is a list, but must be a whole number from 1 to 4096; the default is 8"
        ),
        (
            "batch:\n  lanes:\n",
            "test.yaml:2:9: batch.lanes is empty, but must be a whole number from 1 to 4096; the default is 8"
        ),
        (
            "batch: {lanes: 99999999999999999999}",
            "test.yaml:1:16: batch.lanes is 99999999999999999999, but must be a whole number from 1 to 4096; the default is 8"
        ),
        ("data: {shuffle: yes}", "test.yaml:1:17: data.shuffle is yes, but must be true or false; write true"),
        (
            "data: {train: []}",
            "test.yaml:1:15: data.train is a list, but must be a list of paths, globs or dataset directories; the list is empty"
        ),
        (
            "data: {train: [a, {b: c}]}",
            "test.yaml:1:19: data.train[1] is a map, but must be a text; the default is [runs/quickstart/data]"
        ),
        (
            "objective: {jreg: {kind: jumprate}}",
            "test.yaml:1:26: objective.jreg.kind is jumprate, but must be weighted, final or jump-rate; did you mean jump-rate?"
        ),
        (
            "objective: {jreg: {lambda: .nan}}",
            "test.yaml:1:28: objective.jreg.lambda is .nan, but must be a number from 0.0 to 1000000.0; the default is 3.0"
        ),
        (
            "objective: {jreg: {lambda: 1e999}}",
            "test.yaml:1:28: objective.jreg.lambda is 1e999, but must be a number from 0.0 to 1000000.0; the default is 3.0"
        ),
        (
            "objective: {jreg: 3}",
            "test.yaml:1:19: objective.jreg is 3, but must be a map of its keys: lambda, kind, alpha, from, warmup_steps"
        ),
        (
            "optimizer: {learning_rate: 0}",
            "test.yaml:1:28: optimizer.learning_rate is 0, but must be a number above 0 and at most 10.0; the default is 0.002"
        ),
        (
            "optimizer: {beta1: 1.0}",
            "test.yaml:1:20: optimizer.beta1 is 1.0, but must be a number from 0 up to, but not including, 1; the default is 0.9"
        ),
        (
            "run: {keep_checkpoints: 1}",
            "test.yaml:1:25: run.keep_checkpoints is 1, but must be a whole number from 2 to 1000; the default is 3"
        ),
        (
            "run: {time_limit: 6x}",
            "test.yaml:1:19: run.time_limit is 6x, but must be a time from 1s to 366d, such as 90 (seconds), 6m or 2h30m, or null; the default is null"
        ),
        ("run: {out: ''}", "test.yaml:1:12: run.out is \"\", but must be a directory; the default is runs/default"),
        (
            "run: {trace: true}",
            "test.yaml:1:14: run.trace is true, but must be a file, such as trace.json, or null; put it in quotes if it is meant as a name"
        ),
        (
            "run: {out: \"a\\nb\"}",
            "test.yaml:1:12: run.out is \"a␣b\", but must be a directory; it holds a line break or another control character"
        ),
        (
            "model: {rope_scaling: {rope_type: yarn}}",
            "test.yaml:1:35: model.rope_scaling.rope_type is yarn, but must be linear or llama3; the default is null"
        ),
        (
            "model: {rope_scaling: {rope_type: linear, factor: -1}}",
            "test.yaml:1:51: model.rope_scaling.factor is -1, but must be a number above 0 and at most 1000000.0; the default is null"
        ),
        (
            "- a list",
            "test.yaml:1:1: the configuration is a list, but must be a map of its keys: model, data, objective, optimizer, batch, parallel, run"
        ),
        ("batch: {[a]: 1}", "test.yaml:1:9: a key must be a word, but is a list"),
    ])
    func wrongValue(_ yaml: String, _ message: String) {
        #expect(faults(yaml) == [message])
    }

    @Test(arguments: [
        ("batch:\n\tlanes: 8\n", "test.yaml:2:1: not valid YAML: found character that cannot start any token"),
        ("batch: {lanes: 8\n", "test.yaml:2:1: not valid YAML: did not find expected ',' or '}'"),
        (
            "batch:\n  lanes: 8\n  lanes: 4\n",
            "test.yaml:2:3: given more than once in one section: lanes; keep one of each"
        ),
        ("run: {}\n---\nrun: {}\n", "test.yaml:2:1: not valid YAML: but found another document"),
        (
            "run: {out: *.bin}",
            "test.yaml:1:13: not valid YAML: did not find expected alphabetic or numeric character (while scanning an alias); put quotes around a glob"
        ),
        ("run:\n  out: a\u{1}b\n", "test.yaml:2:9: not a text of YAML: control characters are not allowed"),
    ])
    func brokenYAML(_ yaml: String, _ beginning: String) {
        let found = faults(yaml)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix(beginning) == true, "\(found)")
    }

    @Test func bombOfAliasesIsRefusedAtOnce() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...40 { yaml += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1), *a\(level - 1)]\n" }
        // As a key, the bomb would have to be hashed before anything of it can be looked at.
        yaml += "? *a40\n: 1\n"
        let found = faults(yaml)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("test.yaml:1:5: anchors and aliases") == true)
    }

    @Test func ampersandsAndGlobsOfPathsAreNoAliases() throws {
        let config = try loaded("data:\n  train: [\"data/R&D/*.bin\", data/*train*.bin]  # b & c\n")
        #expect(config.data.train == ["data/R&D/*.bin", "data/*train*.bin"])
    }

    @Test func depthIsBounded() {
        let found = faults(String(repeating: "[", count: 200_000))
        #expect(found.count == 1)
        #expect(found.first?.contains("not valid YAML") == true)
    }

    @Test func depthWithinBoundsIsNoTrouble() {
        let nested = String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
        #expect(faults("run: {out: \(nested)}").first?.hasPrefix("test.yaml:1:12: run.out is a list") == true)
        #expect(faults("run:\n  ? \(nested)\n  : 1\n") == ["test.yaml:2:5: a key must be a word, but is a list"])
    }

    @Test func messagesCannotCommandTheTerminal() {
        let found = faults("\"a\\e[31m\": 1\nrun: {out: [\"\\e[2J\"]}\n", "b\u{1B}[0m=1")
        #expect(found.count == 3)
        #expect(found.allSatisfy { !$0.unicodeScalars.contains("\u{1B}") })
    }

    @Test func manyFaultsAreToldUpToAHundred() {
        let yaml = "run:\n" + (0..<5000).map { "  zzzzzzzz\($0): 1\n" }.joined()
        #expect(faults(yaml).count == 100)
    }

    @Test func allFaultsAtOnceInOrder() throws {
        let yaml = """
            batch:
              lanes: 6
              global_batch_size: 30
              micro_batch_size: 4
            optimizer:
              learning_rate: fast
              lr: 1
            model:
              hidden_size: 100
              num_attention_heads: 3
            """
        let error = #expect(throws: ConfigErrors.self) { try loaded(yaml, "run.keep_checkpoints=1", "nonsense") }
        #expect(error?.exitCode == 64)
        #expect(
            error?.description == """
                test.yaml:2:10: batch.lanes is 6, but must be a power of two, or the sums would depend on the number of ranks; try 4
                test.yaml:4:21: batch.micro_batch_size is 4, but must divide the 5 sequences of a lane (global_batch_size 30 / lanes 6); try 1
                test.yaml:6:18: optimizer.learning_rate is fast, but must be a number above 0 and at most 10.0; the default is 0.002
                test.yaml:7:3: unknown key optimizer.lr; optimizer has learning_rate, min_learning_rate, schedule, \
                warmup_steps, decay_steps, beta1, beta2, epsilon, weight_decay, max_grad_norm, max_bad_steps, spike_threshold, \
                spike_window, shard
                test.yaml:10:24: model.hidden_size is 100, but must be a multiple of model.num_attention_heads (3), \
                or else model.head_dim must be given
                --set: run.keep_checkpoints is 1, but must be a whole number from 2 to 1000; the default is 3
                --set: "nonsense" is no assignment; write KEY=VALUE, such as batch.lanes=8
                """)
    }

    @Test(arguments: [
        (
            "batch: {sequence_length: 512}",
            "test.yaml:1:26: batch.sequence_length is 512, but must be at most model.max_position_embeddings (256); shorten the sequences or raise the model's limit"
        ),
        (
            "batch: {global_batch_size: 30}",
            "test.yaml:1:28: batch.global_batch_size is 30, but must be a multiple of batch.lanes (8); try 32"
        ),
        (
            "batch: {micro_batch_size: 3}",
            "test.yaml:1:27: batch.micro_batch_size is 3, but must divide the 2 sequences of a lane (global_batch_size 16 / lanes 8); try 2"
        ),
        (
            "optimizer: {warmup_steps: 401}",
            "test.yaml:1:27: optimizer.warmup_steps is 401, but must be at most run.steps (400); shorten the warm-up too"
        ),
        (
            "optimizer: {decay_steps: 371}",
            "test.yaml:1:26: optimizer.decay_steps is 371, but only 370 of run.steps (400) follow the warm-up; write null for all of them"
        ),
        (
            "optimizer: {min_learning_rate: 1}",
            "test.yaml:1:32: optimizer.min_learning_rate is 1.0, but must be at most optimizer.learning_rate (0.002); write null for a tenth of it"
        ),
        (
            "objective: {jreg: {from: 9}}",
            "test.yaml:1:26: objective.jreg.from is 9, but the model has only 8 layers; write null for the last"
        ),
        (
            "objective: {jreg: {warmup_steps: 401}}",
            "test.yaml:1:34: objective.jreg.warmup_steps is 401, but must be at most run.steps (400); shorten the warm-up too"
        ),
        (
            "parallel: {reduction: fast, wire: bf16}",
            "test.yaml:1:35: parallel.wire is bf16, but must be fp32 where parallel.reduction is fast, since MPI then sends the gradients itself"
        ),
        (
            "run: {readout_sequences: 129}",
            "test.yaml:1:26: run.readout_sequences is 129, but must be at most run.evaluation_sequences (128), of which they are a part"
        ),
        (
            "run: {time_limit: 90, time_margin: 2m}",
            "test.yaml:1:36: run.time_margin is 2m, but must be shorter than run.time_limit (1m30s), or each start would end after one step; write null for as long as a step and a checkpoint take"
        ),
        (
            "run: {time_limit: 2m, time_margin: 2m}",
            "test.yaml:1:36: run.time_margin is 2m, but must be shorter than run.time_limit (2m), or each start would end after one step; write null for as long as a step and a checkpoint take"
        ),
        (
            "model: {num_key_value_heads: 3}",
            "test.yaml:1:30: model.num_attention_heads (4) must be a multiple of num_key_value_heads (3)"
        ),
        (
            "model: {head_dim: 63}",
            "test.yaml:1:19: model.head_dim is 63, but rotary embeddings turn pairs: it must be even"
        ),
        (
            "model: {hidden_size: 65536, num_attention_heads: 1024, intermediate_size: 262144, num_hidden_layers: 1024}",
            "test.yaml:1:22: model has 70369146896384 parameters, but must have at most 1000000000000; make it narrower or shallower"
        ),
    ])
    func contradiction(_ yaml: String, _ message: String) {
        #expect(faults(yaml) == [message])
    }

    @Test func wrongKeyBringsNoFollowingErrors() {
        // The default of 8 lanes would not divide 12 sequences, but nobody asked for 8 lanes.
        #expect(faults("batch: {lanes: many, global_batch_size: 12}").count == 1)
        #expect(faults("model: {num_attention_heads: [], hidden_size: 100}").count == 1)
    }

    @Test func contradictionIsLaidToTheOverride() {
        #expect(
            faults("batch:\n  lanes: 8\n", "batch.global_batch_size=4").first?.hasPrefix("--set: batch.global") == true)
        #expect(
            faults("batch:\n  global_batch_size: 32\n", "batch.lanes=64").first?.hasPrefix("--set: batch.global")
                == true)
        #expect(
            faults("", "run.steps=10") == [
                "--set: optimizer.warmup_steps is 30, but must be at most run.steps (10); shorten the warm-up too"
            ])
    }
}
