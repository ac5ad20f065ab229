import LlamaModel
import Testing

@Suite struct LlamaConfigTests {
    struct Fault: CustomTestStringConvertible, Sendable {
        /// What the message must contain.
        let named: [String]
        let spoil: @Sendable (inout LlamaConfig) -> Void
        var testDescription: String { named.joined(separator: ", ") }

        init(_ named: String..., spoil: @escaping @Sendable (inout LlamaConfig) -> Void) {
            self.named = named
            self.spoil = spoil
        }
    }

    static let faults = [
        Fault("hidden_size", "0") { $0.hiddenSize = 0 },
        Fault("intermediate_size", "-3") { $0.intermediateSize = -3 },
        Fault("num_hidden_layers", "0") { $0.numHiddenLayers = 0 },
        Fault("num_attention_heads", "0") { $0.numAttentionHeads = 0 },
        Fault("num_key_value_heads", "0") { $0.numKeyValueHeads = 0 },
        Fault("head_dim", "0") { $0.headDim = 0 },
        Fault("vocab_size", "0") { $0.vocabSize = 0 },
        Fault("max_position_embeddings", "0") { $0.maxPositionEmbeddings = 0 },
        // No product of sizes within their limits overflows.
        Fault("hidden_size", "at most 65536") { $0.hiddenSize = 1 << 40 },
        Fault("intermediate_size", "at most 262144") { $0.intermediateSize = .max },
        Fault("num_hidden_layers", "at most 1024") { $0.numHiddenLayers = 1_000_000_000 },
        Fault("vocab_size", "at most 4194304") { $0.vocabSize = 1 << 31 },
        Fault("max_position_embeddings", "at most 16777216") { $0.maxPositionEmbeddings = .max },
        Fault("head_dim", "13", "even") { $0.headDim = 13 },
        Fault("num_attention_heads", "3", "num_key_value_heads", "2") { $0.numKeyValueHeads = 2 },
        Fault("num_attention_heads", "num_key_value_heads", "6") { $0.numKeyValueHeads = 6 },
        Fault("rms_norm_eps", "0.0") { $0.rmsNormEps = 0 },
        Fault("rms_norm_eps", "nan") { $0.rmsNormEps = .nan },
        Fault("rope_theta", "inf") { $0.ropeTheta = .infinity },
        Fault("rope_scaling.factor", "nan") { $0.ropeScaling = .linear(factor: .nan) },
        Fault("rope_theta", "-1.0") { $0.ropeTheta = -1 },
        Fault("initializer_range", "0.0") { $0.initializerRange = 0 },
        Fault("rope_scaling.factor", "0.0") { $0.ropeScaling = .linear(factor: 0) },
        Fault("rope_scaling.factor", "-8.0") { $0.ropeScaling = llama3(factor: -8) },
        Fault("low_freq_factor", "4.0", "1.0") { $0.ropeScaling = llama3(low: 4, high: 1) },
        Fault("high_freq_factor", "2.0 and 2.0") { $0.ropeScaling = llama3(low: 2, high: 2) },
        Fault("original_max_position_embeddings", "0") { $0.ropeScaling = llama3(original: 0) },
    ]

    @Test(arguments: faults) func eachFaultIsNamedOnce(_ fault: Fault) throws {
        var config = LlamaConfig.tiny()
        fault.spoil(&config)
        let problems = config.problems
        #expect(problems.count == 1, "\(problems)")
        for name in fault.named { #expect(problems.first?.contains(name) == true, "\(problems)") }
    }

    @Test func allFaultsAreToldAtOnce() {
        var config = LlamaConfig.tiny()
        config.headDim = 13
        config.numKeyValueHeads = 2
        config.ropeTheta = 0
        config.ropeScaling = Self.llama3(factor: 0, low: 3, high: 2, original: -1)
        #expect(config.problems.count == 6, "\(config.problems)")
        config.hiddenSize = 0
        config.vocabSize = 0
        #expect(config.problems.count == 2, "sizes first, since the rest is counted from them: \(config.problems)")
    }

    @Test func goodShapesHaveNoProblems() {
        var config = LlamaConfig()
        #expect(config.problems.isEmpty)
        config.ropeScaling = Self.llama3()
        config.numKeyValueHeads = 1
        #expect(config.problems.isEmpty)
    }

    @Test func widthsFollowFromTheHeads() {
        let config = LlamaConfig.tiny(kvHeads: 1)
        #expect(config.queryWidth == 42 && config.keyValueWidth == 14 && config.fusedWidth == 70)
    }

    private static func llama3(
        factor: Double = 8, low: Double = 1, high: Double = 4, original: Int = 8192
    ) -> LlamaConfig.RopeScaling {
        .llama3(factor: factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositionEmbeddings: original)
    }
}
