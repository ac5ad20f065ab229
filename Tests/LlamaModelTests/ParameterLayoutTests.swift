import LlamaModel
import Testing

@Suite struct ParameterLayoutTests {
    @Test(arguments: [1, 3], [false, true]) func tensorsFollowOneAnotherWithoutAGap(kvHeads: Int, tied: Bool) {
        let layout = ParameterLayout(.tiny(kvHeads: kvHeads, tied: tied))
        var end = 0
        for tensor in layout.tensors {
            #expect(tensor.range.lowerBound == end, "\(tensor.name)")
            #expect(tensor.range.count == tensor.shape.reduce(1, *), "\(tensor.name)")
            #expect(tensor.isMatrix == !tensor.name.contains("norm"), "\(tensor.name)")
            end = tensor.range.upperBound
        }
        #expect(layout.count == end)
        #expect(Set(layout.tensors.map(\.name)).count == layout.tensors.count)
    }

    @Test func namesAndShapesAreThoseOfHuggingFace() {
        var config = LlamaConfig.tiny(kvHeads: 1)
        config.numHiddenLayers = 2
        let expected: [(String, [Int])] =
            [("model.embed_tokens.weight", [101, 36])]
            + (0..<2).flatMap { layer in
                [
                    ("input_layernorm", [36]), ("self_attn.q_proj", [42, 36]), ("self_attn.k_proj", [14, 36]),
                    ("self_attn.v_proj", [14, 36]), ("self_attn.o_proj", [36, 42]), ("post_attention_layernorm", [36]),
                    ("mlp.gate_proj", [50, 36]), ("mlp.up_proj", [50, 36]), ("mlp.down_proj", [36, 50]),
                ].map { ("model.layers.\(layer).\($0).weight", $1) }
            } + [("model.norm.weight", [36]), ("lm_head.weight", [101, 36])]
        let layout = ParameterLayout(config)
        #expect(layout.tensors.map(\.name) == expected.map(\.0))
        #expect(layout.tensors.map(\.shape) == expected.map(\.1))
        config.tieWordEmbeddings = true
        #expect(ParameterLayout(config).tensors.map(\.name) == expected.dropLast().map(\.0))
    }

    @Test(arguments: [1, 3]) func blocksCoverTheirTensors(kvHeads: Int) {
        let layout = ParameterLayout(.tiny(kvHeads: kvHeads))
        func range(_ name: String) -> Range<Int> { layout.tensors.first { $0.name == name + ".weight" }!.range }
        var end = layout.embedding.upperBound
        #expect(layout.embedding == range("model.embed_tokens"))
        for (index, block) in layout.blocks.enumerated() {
            let prefix = "model.layers.\(index)."
            let attention = prefix + "self_attn."
            #expect(block.all.lowerBound == end)
            #expect(block.inputNorm == range(prefix + "input_layernorm"))
            #expect(
                block.queryKeyValue
                    == range(attention + "q_proj").lowerBound..<range(attention + "v_proj").upperBound)
            #expect(block.attentionOutput == range(attention + "o_proj"))
            #expect(block.postAttentionNorm == range(prefix + "post_attention_layernorm"))
            #expect(
                block.gateUp == range(prefix + "mlp.gate_proj").lowerBound..<range(prefix + "mlp.up_proj").upperBound)
            #expect(block.down == range(prefix + "mlp.down_proj"))
            end = block.all.upperBound
        }
        #expect(layout.finalNorm == end..<(end + 36))
        #expect(layout.head == layout.finalNorm.upperBound..<layout.count)
    }

    @Test func aTiedHeadIsTheEmbedding() {
        let layout = ParameterLayout(.tiny(tied: true))
        #expect(layout.head == layout.embedding)
        #expect(layout.finalNorm.upperBound == layout.count)
    }

    /// The published sizes, counted from the shapes alone.
    @Test func knownModelsHaveTheirKnownSize() {
        var config = LlamaConfig()
        config.hiddenSize = 4096
        config.intermediateSize = 11_008
        config.numHiddenLayers = 32
        config.numAttentionHeads = 32
        config.numKeyValueHeads = 32
        config.headDim = 128
        config.vocabSize = 32_000
        #expect(ParameterLayout(config).count == 6_738_415_616, "Llama 2 7B")
        config.intermediateSize = 14_336
        config.numKeyValueHeads = 8
        config.vocabSize = 128_256
        #expect(ParameterLayout(config).count == 8_030_261_248, "Llama 3 8B")
    }
}
