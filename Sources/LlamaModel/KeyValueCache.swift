import Kernels

/// Keys and values of the tokens that a text has so far, so that each new token costs one row instead of a whole forward.
public final class KeyValueCache {
    public let capacity: Int
    /// Tokens held.
    public private(set) var count = 0
    private let width: Int
    private let layers: [FloatSlice]

    /// - Parameter capacity: the longest text, in tokens.
    public init(_ config: LlamaConfig, capacity: Int) {
        self.capacity = capacity
        width = 2 * config.keyValueWidth
        let size = capacity * width
        let arena = FloatArena(count: config.numHiddenLayers * size)
        layers = (0..<config.numHiddenLayers).map { arena.all[($0 * size)..<(($0 + 1) * size)] }
    }

    /// Puts the keys and values of new fused rows behind the held ones; returns all of them, [count + rows, width].
    func append(_ fused: FloatSlice, rows: Int, keyOffset: Int, layer: Int) -> FloatSlice {
        let fusedWidth = keyOffset + width
        for row in 0..<rows {
            layers[layer].rows((count + row)..<(count + row + 1), width: width).copy(
                from: fused[(row * fusedWidth + keyOffset)..<((row + 1) * fusedWidth)])
        }
        return layers[layer].rows(0..<(count + rows), width: width)
    }

    func advance(by rows: Int) { count += rows }
}

extension Llama {
    /// The logits [vocabulary] after the last of `tokens`, which follow the text in `cache` and are added to it.
    public func extend(_ cache: KeyValueCache, with tokens: [Int32]) -> [Float] {
        precondition(!tokens.isEmpty, "no token to extend the text with")
        precondition(
            cache.count + tokens.count <= cache.capacity,
            "\(cache.count) + \(tokens.count) tokens exceed the cache's \(cache.capacity)")
        let (rows, hidden) = (tokens.count, config.hiddenSize)
        let shape = AttentionShape(
            newRows: rows, cachedRows: cache.count, heads: config.numAttentionHeads, kvHeads: config.numKeyValueHeads,
            headDim: config.headDim)
        var cutter = ArenaCutter(
            FloatArena(
                count: rows
                    * (3 * hidden + config.fusedWidth + config.queryWidth + config.numAttentionHeads + 1 + 3
                        * config.intermediateSize) + shape.scratchCount(teamSize: team.size) + 16 * 11))
        let (state, middle, normed) = (
            cutter.take(rows * hidden), cutter.take(rows * hidden), cutter.take(rows * hidden)
        )
        let fused = cutter.take(rows * config.fusedWidth)
        let attention = cutter.take(rows * config.queryWidth)
        let logSumExp = cutter.take(rows * config.numAttentionHeads)
        let inverseRMS = cutter.take(rows)
        let gateUp = cutter.take(rows * 2 * config.intermediateSize)
        let activated = cutter.take(rows * config.intermediateSize)
        let scratch = cutter.take(shape.scratchCount(teamSize: team.size))
        func normalize(_ input: FloatSlice, _ weight: Range<Int>) {
            rmsNormForward(
                output: normed, inverseRMS: inverseRMS, input: input, weight: parameters[weight],
                epsilon: Float(config.rmsNormEps), on: team)
        }

        embeddingForward(output: state, table: parameters[layout.embedding], tokens: tokens, width: hidden)
        for layer in 0..<config.numHiddenLayers {
            let weights = layout.blocks[layer]
            normalize(state, weights.inputNorm)
            multiply(
                normed.matrix(rows, hidden), weight(weights.queryKeyValue, config.fusedWidth, hidden).transposed,
                into: fused.matrix(rows, config.fusedWidth), on: team)
            rotaryForward(
                fused, stride: config.fusedWidth, heads: config.numAttentionHeads + config.numKeyValueHeads,
                table: rotary, sequenceLength: rows, firstPosition: cache.count, on: team)
            attentionForward(
                output: attention, logSumExp: logSumExp, queries: fused,
                keyValues: cache.append(fused, rows: rows, keyOffset: shape.keyOffset, layer: layer), shape: shape,
                documentStarts: nil, scratch: scratch, on: team)
            middle.copy(from: state)
            multiply(
                attention.matrix(rows, config.queryWidth),
                weight(weights.attentionOutput, hidden, config.queryWidth).transposed,
                into: middle.matrix(rows, hidden), accumulate: true, on: team)
            normalize(middle, weights.postAttentionNorm)
            multiply(
                normed.matrix(rows, hidden), weight(weights.gateUp, 2 * config.intermediateSize, hidden).transposed,
                into: gateUp.matrix(rows, 2 * config.intermediateSize), on: team)
            swiGLUForward(output: activated, gateUp: gateUp, width: config.intermediateSize, on: team)
            state.copy(from: middle)
            multiply(
                activated.matrix(rows, config.intermediateSize),
                weight(weights.down, hidden, config.intermediateSize).transposed, into: state.matrix(rows, hidden),
                accumulate: true, on: team)
        }
        cache.advance(by: rows)
        return logits(of: state.rows((rows - 1)..<rows, width: hidden)).array
    }
}
