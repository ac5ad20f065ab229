import LlamaModel

/// The ids that begin and end a text, and fill it up. Nil and empty: the vocabulary has none.
public struct SpecialTokens: Sendable, Equatable {
    public var beginOfText: Int?
    /// Llama 3 ends with any of several.
    public var endOfText: [Int]
    public var padding: Int?

    public init(beginOfText: Int? = nil, endOfText: [Int] = [], padding: Int? = nil) {
        self.beginOfText = beginOfText
        self.endOfText = endOfText
        self.padding = padding
    }

    /// One id as a number, several as a list, none as null: as transformers spells it.
    fileprivate var json: [String: JSONValue] {
        let ends: JSONValue =
            switch endOfText.count {
            case 0: .null
            case 1: .integer(endOfText[0])
            default: .array(endOfText.map(JSONValue.integer))
            }
        return [
            "bos_token_id": beginOfText.map(JSONValue.integer) ?? .null, "eos_token_id": ends,
            "pad_token_id": padding.map(JSONValue.integer) ?? .null,
        ]
    }
}

/// What `config.json` of a Hugging Face Llama model says.
///
/// Writes the spelling of transformers 4, which 5 reads too; reads both.
public struct HuggingFaceConfig: Sendable, Equatable {
    public var model: LlamaConfig
    public var specialTokens: SpecialTokens

    public init(model: LlamaConfig, specialTokens: SpecialTokens) {
        self.model = model
        self.specialTokens = specialTokens
    }

    /// The content of `config.json`.
    public var json: JSONValue {
        let members: [String: JSONValue] = [
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_act": "silu",
            "attention_bias": false,
            "attention_dropout": 0.0,
            "mlp_bias": false,
            "pretraining_tp": 1,
            "torch_dtype": "float32",
            "use_cache": true,
            "vocab_size": .integer(model.vocabSize),
            "hidden_size": .integer(model.hiddenSize),
            "intermediate_size": .integer(model.intermediateSize),
            "num_hidden_layers": .integer(model.numHiddenLayers),
            "num_attention_heads": .integer(model.numAttentionHeads),
            "num_key_value_heads": .integer(model.numKeyValueHeads),
            "head_dim": .integer(model.headDim),
            "max_position_embeddings": .integer(model.maxPositionEmbeddings),
            "initializer_range": .number(model.initializerRange),
            "rms_norm_eps": .number(model.rmsNormEps),
            "rope_theta": .number(model.ropeTheta),
            "rope_scaling": model.ropeScaling.json,
            "tie_word_embeddings": .bool(model.tieWordEmbeddings),
        ]
        return .object(members.merging(specialTokens.json) { $1 })
    }

    /// The content of `generation_config.json`: without it, `generate` would not know where a text ends.
    public var generationJSON: JSONValue {
        .object(specialTokens.json.merging(["_from_model_config": true]) { $1 })
    }
}

extension LlamaConfig.RopeScaling {
    fileprivate var json: JSONValue {
        switch self {
        case .none: .null
        case .linear(let factor): ["rope_type": "linear", "factor": .number(factor)]
        case .llama3(let factor, let low, let high, let original):
            [
                "rope_type": "llama3", "factor": .number(factor), "low_freq_factor": .number(low),
                "high_freq_factor": .number(high), "original_max_position_embeddings": .integer(original),
            ]
        }
    }
}
