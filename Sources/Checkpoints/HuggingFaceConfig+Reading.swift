import LlamaModel

extension HuggingFaceConfig {
    /// Reads `config.json` at `path`.
    ///
    /// - Throws: `CheckpointError` that lists everything in it that is missing, malformed or not computed by this program.
    public init(path: String) throws {
        try self.init(json: JSONValue(file: path), source: path)
    }

    /// Reads the content of a `config.json`, which errors name as `source`. Absent keys mean what transformers takes them for.
    public init(json: JSONValue, source: String) throws {
        guard json.object != nil else {
            throw CheckpointError(.damaged, "\(source) must hold a JSON object with the configuration of a model")
        }
        var keys = ConfigKeys(json)
        keys.refuseForeignModels()

        var model = LlamaConfig()
        model.hiddenSize = keys.integer("hidden_size")
        model.intermediateSize = keys.integer("intermediate_size")
        model.numHiddenLayers = keys.integer("num_hidden_layers")
        model.numAttentionHeads = keys.integer("num_attention_heads")
        model.numKeyValueHeads = keys.integer("num_key_value_heads", default: model.numAttentionHeads)
        model.vocabSize = keys.integer("vocab_size")
        model.maxPositionEmbeddings = keys.integer("max_position_embeddings", default: 2048)
        model.rmsNormEps = keys.number("rms_norm_eps", default: 1e-6)
        model.initializerRange = keys.number("initializer_range", default: 0.02)
        model.tieWordEmbeddings = keys.bool("tie_word_embeddings", default: false)
        model.headDim = keys.headDim(hiddenSize: model.hiddenSize, heads: model.numAttentionHeads)
        (model.ropeTheta, model.ropeScaling) = keys.rope()
        let specialTokens = SpecialTokens(
            beginOfText: keys.tokens("bos_token_id", default: [1]).first,
            endOfText: keys.tokens("eos_token_id", default: [2]),
            padding: keys.tokens("pad_token_id", default: []).first)

        // The shape is judged only if it could be read: else each fault would be told twice.
        let problems = keys.problems.isEmpty ? model.problems : keys.problems
        guard problems.isEmpty else {
            throw CheckpointError(.unsupported, "\(source) is not a Llama that can be used here", listing: problems)
        }
        self.init(model: model, specialTokens: specialTokens)
    }
}

/// Takes values out of a `config.json` and notes what is wrong with them, so that all of it can be told at once.
private struct ConfigKeys {
    let json: JSONValue
    var problems: [String] = []

    init(_ json: JSONValue) { self.json = json }

    /// The value of `key` in `object` (the whole file by default), where absent and null mean the same.
    private func value(_ key: String, in object: JSONValue? = nil) -> JSONValue? {
        let value = (object ?? json)[key]
        return value == .null ? nil : value
    }

    /// A value of one kind, or the default for an absent one. Notes a value of another kind, or the lack of a needed one.
    private mutating func take<Value>(
        _ key: String, _ kind: String, default fallback: Value?, or standIn: Value, in group: String? = nil,
        _ convert: (JSONValue) -> Value?
    ) -> Value {
        let name = group.map { "\($0).\(key)" } ?? key
        guard let found = value(key, in: group.flatMap { json[$0] }) else {
            if fallback == nil { problems.append("\(name) is missing; it must be \(kind)") }
            return fallback ?? standIn
        }
        if let value = convert(found) { return value }
        problems.append("\(name) is \(found.text), but must be \(kind)")
        return standIn
    }

    mutating func integer(_ key: String, default fallback: Int? = nil, in group: String? = nil) -> Int {
        take(key, "a whole number", default: fallback, or: 1, in: group, \.integer)
    }

    mutating func number(_ key: String, default fallback: Double? = nil, in group: String? = nil) -> Double {
        take(key, "a number", default: fallback, or: 1, in: group, \.double)
    }

    mutating func bool(_ key: String, default fallback: Bool) -> Bool {
        take(key, "true or false", default: fallback, or: fallback, \.bool)
    }

    /// One id or a list of them. An explicit null means none, unlike an absent key.
    mutating func tokens(_ key: String, default fallback: [Int]) -> [Int] {
        take(key, "a token id or a list of them", default: json[key] == .null ? [] : fallback, or: []) { value in
            if let id = value.integer { return [id] }
            guard let list = value.array else { return nil }
            let ids = list.compactMap(\.integer)
            return ids.count == list.count ? ids : nil
        }
    }

    mutating func headDim(hiddenSize: Int, heads: Int) -> Int {
        if value("head_dim") != nil { return integer("head_dim") }
        guard heads > 0, hiddenSize % heads == 0 else {
            problems.append(
                "hidden_size (\(hiddenSize)) is no multiple of num_attention_heads (\(heads)), and head_dim is not given"
            )
            return 1
        }
        return hiddenSize / heads
    }

    /// Notes every key that makes the model compute something else than a plain Llama.
    mutating func refuseForeignModels() {
        let wanted: [(key: String, value: JSONValue, required: Bool)] = [
            ("model_type", "llama", true), ("hidden_act", "silu", false), ("attention_bias", false, false),
            ("mlp_bias", false, false),
        ]
        for (key, wanted, required) in wanted {
            guard let found = value(key) else {
                if required { problems.append("\(key) is missing; it must be \(wanted.text)") }
                continue
            }
            if found != wanted {
                problems.append(
                    "\(key) is \(found.text), but only \(wanted.text) is supported")
            }
        }
        if value("quantization_config") != nil {
            problems.append("quantization_config is present, but quantized weights are not supported")
        }
    }

    /// θ and the scaling: `rope_parameters` of transformers 5, or `rope_theta` beside `rope_scaling` of 4.
    mutating func rope() -> (theta: Double, scaling: LlamaConfig.RopeScaling) {
        let group = value("rope_parameters") != nil ? "rope_parameters" : "rope_scaling"
        let isNested = value("rope_theta", in: json[group]) != nil
        let theta = number("rope_theta", default: 10_000, in: isNested ? group : nil)
        guard let settings = value(group) else { return (theta, .none) }
        guard settings.object != nil else {
            problems.append("\(group) is \(settings.text), but must be an object or null")
            return (theta, .none)
        }
        if let part = value("partial_rotary_factor", in: settings)?.double, part != 1 {
            problems.append("\(group).partial_rotary_factor is \(part), but only 1 is supported")
        }
        // `type` is how the key was spelled before transformers 4.43.
        let typeKey = value("rope_type", in: settings) != nil ? "rope_type" : "type"
        switch value(typeKey, in: settings) {
        case nil where group == "rope_parameters", "default": return (theta, .none)
        case "linear": return (theta, .linear(factor: number("factor", in: group)))
        case "llama3":
            return (
                theta,
                .llama3(
                    factor: number("factor", in: group), lowFreqFactor: number("low_freq_factor", in: group),
                    highFreqFactor: number("high_freq_factor", in: group),
                    originalMaxPositionEmbeddings: integer("original_max_position_embeddings", in: group))
            )
        case let other:
            problems.append(
                "\(group).\(typeKey) is \(other?.text ?? "missing"), but only \"default\", \"linear\" and "
                    + "\"llama3\" are supported")
            return (theta, .none)
        }
    }
}
