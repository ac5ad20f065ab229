import Checkpoints
import LlamaModel
import Testing

@Suite struct HuggingFaceConfigTests {
    let minimal: [String: JSONValue] = [
        "model_type": "llama", "hidden_size": 48, "intermediate_size": 100, "num_hidden_layers": 3,
        "num_attention_heads": 3, "vocab_size": 101,
    ]

    func read(_ changes: [String: JSONValue]) throws -> HuggingFaceConfig {
        try HuggingFaceConfig(json: .object(minimal.merging(changes) { $1 }), source: "config.json")
    }

    @Test func absentKeysMeanWhatTransformersTakesThemFor() throws {
        let config = try read([:])
        #expect(config.model.numKeyValueHeads == 3)
        #expect(config.model.headDim == 16)
        #expect(config.model.rmsNormEps == 1e-6)
        #expect(config.model.ropeTheta == 10_000)
        #expect(config.model.ropeScaling == .none)
        #expect(config.model.maxPositionEmbeddings == 2048)
        #expect(!config.model.tieWordEmbeddings)
        #expect(config.specialTokens == SpecialTokens(beginOfText: 1, endOfText: [2]))
    }

    @Test func nullMeansAbsentAndForTokensNone() throws {
        let config = try read(["num_key_value_heads": nil, "head_dim": nil, "rope_scaling": nil, "eos_token_id": nil])
        #expect(config.model.numKeyValueHeads == 3 && config.model.headDim == 16)
        #expect(config.specialTokens.endOfText == [])
    }

    @Test func readsWhatTransformers5Writes() throws {
        let config = try HuggingFaceConfig(path: fixtures + "/sharded/config.json")
        #expect(
            config.model.ropeScaling
                == .llama3(factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 32))
        #expect(config.model.ropeTheta == 500_000)
        #expect(config.model.tieWordEmbeddings && config.model.numKeyValueHeads == 1 && config.model.headDim == 6)
        #expect(config.specialTokens == SpecialTokens(beginOfText: 1, endOfText: [2, 3]))
    }

    @Test(
        arguments: [
            (["rope_theta": 5e5, "rope_scaling": ["type": "linear", "factor": 2]], 5e5, .linear(factor: 2)),
            (["rope_theta": 5e5, "rope_scaling": ["rope_type": "linear", "factor": 2.5]], 5e5, .linear(factor: 2.5)),
            (["rope_scaling": ["rope_type": "default"]], 1e4, .none),
            (["rope_parameters": ["rope_theta": 7]], 7, .none),
            (["rope_parameters": ["rope_theta": 7, "rope_type": "default"], "rope_theta": 8], 7, .none),
            (["rope_parameters": ["rope_type": "linear", "factor": 4], "rope_theta": 8], 8, .linear(factor: 4)),
        ] as [([String: JSONValue], Double, LlamaConfig.RopeScaling)])
    func readsEverySpellingOfRope(changes: [String: JSONValue], theta: Double, scaling: LlamaConfig.RopeScaling) throws
    {
        let config = try read(changes)
        #expect(config.model.ropeTheta == theta)
        #expect(config.model.ropeScaling == scaling)
    }

    @Test(
        arguments: [
            (["model_type": "mistral"], "model_type is \"mistral\""), (["model_type": nil], "model_type is missing"),
            (["attention_bias": true], "attention_bias is true"), (["mlp_bias": true], "mlp_bias is true"),
            (["hidden_act": "gelu"], "hidden_act is \"gelu\""), (["hidden_size": nil], "hidden_size is missing"),
            (["vocab_size": "many"], "vocab_size is \"many\""), (["hidden_size": 1.5], "hidden_size is 1.5"),
            (["hidden_size": 49], "hidden_size (49) is no multiple"),
            (["num_attention_heads": 0], "num_attention_heads"),
            (["num_key_value_heads": 2], "num_key_value_heads (2)"), (["head_dim": 7], "head_dim is 7"),
            (["tie_word_embeddings": 1], "tie_word_embeddings is 1"), (["eos_token_id": ["a"]], "eos_token_id"),
            (["rope_scaling": ["rope_type": "yarn", "factor": 2]], "rope_scaling.rope_type is \"yarn\""),
            (["rope_scaling": ["type": "dynamic", "factor": 2]], "rope_scaling.type is \"dynamic\""),
            (["rope_parameters": ["rope_type": "longrope"]], "rope_parameters.rope_type is \"longrope\""),
            (["rope_parameters": ["partial_rotary_factor": 0.5]], "partial_rotary_factor is 0.5"),
            (["rope_scaling": ["factor": 2]], "rope_scaling.type is missing"),
            (["rope_scaling": ["rope_type": "linear"]], "rope_scaling.factor is missing"),
            (["rope_scaling": 3], "rope_scaling is 3"), (["quantization_config": ["bits": 4]], "quantization_config"),
        ] as [([String: JSONValue], String)])
    func whatIsNotComputedHereIsRefused(changes: [String: JSONValue], reason: String) {
        let refusal = failure { _ = try read(changes) }
        #expect(refusal?.kind == .unsupported)
        #expect(refusal?.description.contains(reason) == true, "\(refusal?.description ?? "accepted")")
        #expect(refusal?.description.contains("config.json") == true)
    }

    @Test func allProblemsAreToldAtOnce() {
        let refusal = failure {
            _ = try read([
                "attention_bias": true, "mlp_bias": true, "hidden_act": "relu", "rms_norm_eps": "small",
                "rope_scaling": ["rope_type": "llama3", "factor": 8.0],
            ])
        }
        let keys = [
            "attention_bias", "mlp_bias", "hidden_act", "rms_norm_eps", "low_freq_factor", "high_freq_factor",
            "original_max_position_embeddings",
        ]
        for key in keys { #expect(refusal?.description.contains(key) == true, "\(key)") }
    }

    @Test(
        arguments: [
            .none, .linear(factor: 3),
            .llama3(factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192),
        ] as [LlamaConfig.RopeScaling])
    func whatIsWrittenIsReadBack(scaling: LlamaConfig.RopeScaling) throws {
        try withTemporaryDirectory { directory in
            var model = oddConfig(tied: true)
            model.ropeScaling = scaling
            model.rmsNormEps = 1
            let config = HuggingFaceConfig(
                model: model, specialTokens: SpecialTokens(beginOfText: nil, endOfText: [5, 9], padding: 0))
            try write(config.json.text, to: directory + "/config.json")
            #expect(try HuggingFaceConfig(path: directory + "/config.json") == config)
        }
    }

    @Test func floatsAreWrittenAsFloatsBecauseTransformers5RefusesWholeNumbers() {
        var model = oddConfig()
        model.rmsNormEps = 1
        let text = HuggingFaceConfig(model: model, specialTokens: SpecialTokens()).json.text
        #expect(text.contains("\"rms_norm_eps\": 1.0"))
        #expect(text.contains("\"rope_theta\": 10000.0"))
        #expect(text.contains("\"hidden_size\": 9,"))
        #expect(text.contains("\"eos_token_id\": null"))
    }

    @Test func generationConfigNamesTheTokens() {
        let tokens = SpecialTokens(beginOfText: 1, endOfText: [2, 3])
        let json = HuggingFaceConfig(model: oddConfig(), specialTokens: tokens).generationJSON
        #expect(json["bos_token_id"] == 1 && json["eos_token_id"] == [2, 3] && json["pad_token_id"] == .null)
    }

    @Test func filesThatAreNoConfigurationAreNamed() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/config.json"
            #expect(failure { _ = try HuggingFaceConfig(path: path) }?.kind == .fileSystem)
            for text in ["", "[1]", "{\"model_type\": \"llama\"", "{\"a\": 1, \"a\": 2}"] {
                try write(text, to: path)
                let refusal = failure { _ = try HuggingFaceConfig(path: path) }
                #expect(refusal?.kind == .damaged && refusal?.description.contains(path) == true, "\(text)")
            }
        }
    }
}
