/// The shape of a Llama model, with the meaning of the keys of Hugging Face's `config.json`.
public struct LlamaConfig: Sendable, Equatable {
    public var hiddenSize = 256
    public var intermediateSize = 688
    public var numHiddenLayers = 8
    public var numAttentionHeads = 4
    /// Heads of keys and values; each serves `numAttentionHeads / numKeyValueHeads` query heads (grouped-query attention).
    public var numKeyValueHeads = 4
    public var headDim = 64
    public var vocabSize = 4096
    public var maxPositionEmbeddings = 2048
    public var rmsNormEps = 1e-5
    public var ropeTheta = 10_000.0
    public var ropeScaling = RopeScaling.none
    public var tieWordEmbeddings = false
    /// Standard deviation of the initial weights; the two projections into the residual stream get `1/√(2L)` of it.
    public var initializerRange = 0.02

    public init() {}

    /// How positions beyond those of pretraining are reached.
    public enum RopeScaling: Sendable, Equatable {
        case none
        /// Every frequency divided by `factor`.
        case linear(factor: Double)
        /// Llama 3: only long wavelengths are stretched, with a ramp between the two bounds.
        case llama3(
            factor: Double, lowFreqFactor: Double, highFreqFactor: Double, originalMaxPositionEmbeddings: Int)
    }

    /// Width of the queries of all heads.
    public var queryWidth: Int { numAttentionHeads * headDim }
    /// Width of the keys (and of the values) of all heads.
    public var keyValueWidth: Int { numKeyValueHeads * headDim }
    /// Width of the fused query, key and value projection.
    public var fusedWidth: Int { queryWidth + 2 * keyValueWidth }

    /// Far beyond any model, and so small that no product of them that is computed anywhere overflows.
    public static let largest = [
        "hidden_size": 65_536, "intermediate_size": 262_144, "num_hidden_layers": 1024, "num_attention_heads": 1024,
        "num_key_value_heads": 1024, "head_dim": 1024, "vocab_size": 4_194_304, "max_position_embeddings": 16_777_216,
    ]

    /// Everything that makes this shape impossible, each with the key, what was found and what was wanted.
    public var problems: [String] {
        var problems: [String] = []
        let counts = [
            ("hidden_size", hiddenSize), ("intermediate_size", intermediateSize),
            ("num_hidden_layers", numHiddenLayers), ("num_attention_heads", numAttentionHeads),
            ("num_key_value_heads", numKeyValueHeads), ("head_dim", headDim), ("vocab_size", vocabSize),
            ("max_position_embeddings", maxPositionEmbeddings),
        ]
        for (key, value) in counts {
            let most = Self.largest[key]!
            if value < 1 { problems.append("\(key) is \(value), but must be at least 1") }
            if value > most { problems.append("\(key) is \(value), but must be at most \(most)") }
        }
        if !problems.isEmpty { return problems }
        if headDim % 2 != 0 {
            problems.append("head_dim is \(headDim), but rotary embeddings turn pairs: it must be even")
        }
        if numAttentionHeads % numKeyValueHeads != 0 {
            problems.append(
                "num_attention_heads (\(numAttentionHeads)) must be a multiple of num_key_value_heads (\(numKeyValueHeads))"
            )
        }
        let numbers = [
            ("rms_norm_eps", rmsNormEps), ("rope_theta", ropeTheta), ("initializer_range", initializerRange),
        ]
        for (key, value) in numbers where !(value > 0 && value.isFinite) {
            problems.append("\(key) is \(value), but must be positive")
        }
        switch ropeScaling {
        case .none: break
        case .linear(let factor):
            if !(factor > 0 && factor.isFinite) {
                problems.append("rope_scaling.factor is \(factor), but must be positive")
            }
        case .llama3(let factor, let low, let high, let original):
            if !(factor > 0 && factor.isFinite) {
                problems.append("rope_scaling.factor is \(factor), but must be positive")
            }
            if !(low > 0 && high > low && high.isFinite) {
                problems.append("rope_scaling needs 0 < low_freq_factor < high_freq_factor, found \(low) and \(high)")
            }
            if original < 1 {
                problems.append("rope_scaling.original_max_position_embeddings is \(original), but must be at least 1")
            }
        }
        return problems
    }
}
