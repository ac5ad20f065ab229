/// One named tensor of the parameter arena, [out, in] row-major as Hugging Face stores it.
public struct ParameterTensor: Sendable, Equatable {
    /// The Hugging Face name, for example `model.layers.0.self_attn.q_proj.weight`.
    public let name: String
    public let shape: [Int]
    /// Its place in the flat arena.
    public let range: Range<Int>
    /// Weight decay acts on matrices only.
    public var isMatrix: Bool { shape.count > 1 }
}

/// Where each tensor lies in the flat parameter arena (and, alike, in gradients and moments).
///
/// Tensors follow one another without a gap in the order of the forward pass. So query, key and value, and gate and
/// up, are neighbours and can be multiplied as one matrix; and the arena is byte for byte the body of `model.safetensors`.
public struct ParameterLayout: Sendable {
    public let tensors: [ParameterTensor]
    public let embedding: Range<Int>
    public let blocks: [Block]
    public let finalNorm: Range<Int>
    /// The output projection; the embedding itself when the two are tied.
    public let head: Range<Int>

    /// The number of trainable floats.
    public var count: Int { tensors.last!.range.upperBound }

    /// The tensors of one Transformer block.
    public struct Block: Sendable {
        public let inputNorm: Range<Int>
        /// Query, key and value in one: [(heads + 2·kvHeads)·headDim, hidden].
        public let queryKeyValue: Range<Int>
        /// [hidden, heads·headDim].
        public let attentionOutput: Range<Int>
        public let postAttentionNorm: Range<Int>
        /// Gate and up in one: [2·intermediate, hidden].
        public let gateUp: Range<Int>
        /// [hidden, intermediate].
        public let down: Range<Int>
        /// All of the block.
        public var all: Range<Int> { inputNorm.lowerBound..<down.upperBound }
    }

    public init(_ config: LlamaConfig) {
        var tensors: [ParameterTensor] = []
        var end = 0
        func place(_ name: String, _ shape: Int...) -> Range<Int> {
            let range = end..<(end + shape.reduce(1, *))
            tensors.append(ParameterTensor(name: name, shape: shape, range: range))
            end = range.upperBound
            return range
        }
        let hidden = config.hiddenSize
        let intermediate = config.intermediateSize
        embedding = place("model.embed_tokens.weight", config.vocabSize, hidden)
        blocks = (0..<config.numHiddenLayers).map { layer in
            let prefix = "model.layers.\(layer)."
            let inputNorm = place(prefix + "input_layernorm.weight", hidden)
            let query = place(prefix + "self_attn.q_proj.weight", config.queryWidth, hidden)
            _ = place(prefix + "self_attn.k_proj.weight", config.keyValueWidth, hidden)
            let value = place(prefix + "self_attn.v_proj.weight", config.keyValueWidth, hidden)
            let output = place(prefix + "self_attn.o_proj.weight", hidden, config.queryWidth)
            let postNorm = place(prefix + "post_attention_layernorm.weight", hidden)
            let gate = place(prefix + "mlp.gate_proj.weight", intermediate, hidden)
            let up = place(prefix + "mlp.up_proj.weight", intermediate, hidden)
            let down = place(prefix + "mlp.down_proj.weight", hidden, intermediate)
            return Block(
                inputNorm: inputNorm, queryKeyValue: query.lowerBound..<value.upperBound, attentionOutput: output,
                postAttentionNorm: postNorm, gateUp: gate.lowerBound..<up.upperBound, down: down)
        }
        finalNorm = place("model.norm.weight", hidden)
        head = config.tieWordEmbeddings ? embedding : place("lm_head.weight", config.vocabSize, hidden)
        self.tensors = tensors
    }
}
