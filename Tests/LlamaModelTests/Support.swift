import Kernels
import LlamaModel

extension LlamaConfig {
    /// A model of two thousandths of a second, with sizes that are no multiples of a register.
    static func tiny(kvHeads: Int = 3, tied: Bool = false) -> LlamaConfig {
        var config = LlamaConfig()
        config.hiddenSize = 36
        config.intermediateSize = 50
        config.numHiddenLayers = 3
        config.numAttentionHeads = 3
        config.numKeyValueHeads = kvHeads
        config.headDim = 14
        config.vocabSize = 101
        config.tieWordEmbeddings = tied
        // Large enough that attention is not uniform and no two logits are alike.
        config.initializerRange = 0.3
        return config
    }
}

extension Llama {
    /// A model with random weights and norm weights around 1.
    static func random(_ config: LlamaConfig, maximumLength: Int = 64, threads: Int = 1) -> Llama {
        let layout = ParameterLayout(config)
        let parameters = FloatArena(count: layout.count).all
        layout.initialize(parameters, range: 0..<layout.count, config: config, seed: 5)
        let random = RandomNumbers(seed: 6)
        for tensor in layout.tensors where !tensor.isMatrix {
            for index in tensor.range { parameters[index] += Float(random.uniform(UInt64(index)) - 0.5) }
        }
        return Llama(config, parameters: parameters, maximumLength: maximumLength, team: ThreadTeam(size: threads))
    }

    /// The logits after each token of `text`, by one forward pass over all of it: [text.count][vocabulary].
    func logits(of text: [Int32]) -> [[Float]] {
        let batch = TokenBatch(windows: [text + [0]])
        let activations = Activations(
            config, sequences: 1, length: text.count, purpose: .evaluation, teamSize: team.size)
        forward(batch, activations) { _, _, _ in }
        let logits = logits(of: activations.state(config.numHiddenLayers))
        return text.indices.map { logits.rows($0..<($0 + 1), width: config.vocabSize).array }
    }
}

/// Token ids that are the same in every run.
func randomTokens(_ count: Int, vocabulary: Int = 101, seed: UInt64 = 1) -> [Int32] {
    let random = RandomNumbers(seed: seed)
    return (0..<count).map { Int32(random.bits(UInt64($0)) % UInt64(vocabulary)) }
}

func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    precondition(a.count == b.count)
    return zip(a, b).reduce(0) { largest, pair in
        let difference = abs(pair.0 - pair.1)
        return largest.isNaN || difference <= largest ? largest : difference
    }
}
