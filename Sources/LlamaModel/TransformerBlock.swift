import Kernels

extension Llama {
    /// h_l = middle + down(SwiGLU(gateUp(norm(middle)))), middle = h_{l−1} + out(attention(rotate(qkv(norm(h_{l−1})))).
    /// input, output: [tokens, hidden]. Without `output` the last projection is left out: the backward pass, which runs
    /// a block again to get its activations, has no use for it.
    func blockForward(
        _ layer: Int, input: FloatSlice, output: FloatSlice?, _ activations: Activations, _ batch: TokenBatch
    ) {
        let (tokens, hidden) = (batch.tokenCount, config.hiddenSize)
        let weights = layout.blocks[layer]
        let (kept, scratch) = (activations.block(layer), activations.scratch)
        let normed = scratch.normed

        rmsNormForward(
            output: normed, inverseRMS: kept.inputInverseRMS, input: input, weight: parameters[weights.inputNorm],
            epsilon: Float(config.rmsNormEps), on: team)
        multiply(
            normed.matrix(tokens, hidden), weight(weights.queryKeyValue, config.fusedWidth, hidden).transposed,
            into: kept.fused.matrix(tokens, config.fusedWidth), on: team)
        rotaryForward(
            kept.fused, stride: config.fusedWidth, heads: config.numAttentionHeads + config.numKeyValueHeads,
            table: rotary, sequenceLength: batch.length, on: team)
        attentionForward(
            output: kept.attention, logSumExp: kept.logSumExp, queries: kept.fused,
            keyValues: kept.fused[activations.attention.keyOffset..<kept.fused.count], shape: activations.attention,
            documentStarts: batch.documentStarts, scratch: scratch.attention, on: team)
        kept.middle.copy(from: input)
        multiply(
            kept.attention.matrix(tokens, config.queryWidth),
            weight(weights.attentionOutput, hidden, config.queryWidth).transposed,
            into: kept.middle.matrix(tokens, hidden), accumulate: true, on: team)

        rmsNormForward(
            output: normed, inverseRMS: kept.middleInverseRMS, input: kept.middle,
            weight: parameters[weights.postAttentionNorm], epsilon: Float(config.rmsNormEps), on: team)
        multiply(
            normed.matrix(tokens, hidden), weight(weights.gateUp, 2 * config.intermediateSize, hidden).transposed,
            into: kept.gateUp.matrix(tokens, 2 * config.intermediateSize), on: team)
        guard let output else { return }
        swiGLUForward(
            output: scratch.activated, gateUp: kept.gateUp, width: config.intermediateSize, on: team)
        output.copy(from: kept.middle)
        multiply(
            scratch.activated.matrix(tokens, config.intermediateSize),
            weight(weights.down, hidden, config.intermediateSize).transposed, into: output.matrix(tokens, hidden),
            accumulate: true, on: team)
    }

    /// Takes `activations.stateGradient` from dLoss/dh_l to dLoss/dh_{l−1} in place, and the block's weights' gradients
    /// into `gradients`: the forward's steps in reverse.
    func blockBackward(
        _ layer: Int, input: FloatSlice, _ activations: Activations, _ batch: TokenBatch, _ gradients: FloatSlice,
        _ accumulate: Bool
    ) {
        let (tokens, hidden, intermediate) = (batch.tokenCount, config.hiddenSize, config.intermediateSize)
        let weights = layout.blocks[layer]
        let (kept, scratch) = (activations.block(layer), activations.scratch)
        let dState = activations.stateGradient
        let normed = scratch.normed

        multiply(
            dState.matrix(tokens, hidden), weight(weights.down, hidden, intermediate),
            into: scratch.activatedGradient.matrix(tokens, intermediate), on: team)
        let dGateUp = kept.gateUp
        swiGLUBackward(
            gateUpToGradient: dGateUp, output: scratch.activated, dOutput: scratch.activatedGradient,
            width: intermediate, on: team)
        multiply(
            dState.matrix(tokens, hidden).transposed, scratch.activated.matrix(tokens, intermediate),
            into: gradients[weights.down].matrix(hidden, intermediate), accumulate: accumulate, on: team)
        rmsNormRecompute(
            output: normed, inverseRMS: kept.middleInverseRMS, input: kept.middle,
            weight: parameters[weights.postAttentionNorm], on: team)
        multiply(
            dGateUp.matrix(tokens, 2 * intermediate).transposed, normed.matrix(tokens, hidden),
            into: gradients[weights.gateUp].matrix(2 * intermediate, hidden), accumulate: accumulate, on: team)
        multiply(
            dGateUp.matrix(tokens, 2 * intermediate), weight(weights.gateUp, 2 * intermediate, hidden),
            into: normed.matrix(tokens, hidden), on: team)
        rmsNormBackward(
            dInput: dState, dWeight: gradients[weights.postAttentionNorm], dOutput: normed, input: kept.middle,
            inverseRMS: kept.middleInverseRMS, weight: parameters[weights.postAttentionNorm], accumulate: accumulate,
            on: team)

        multiply(
            dState.matrix(tokens, hidden), weight(weights.attentionOutput, hidden, config.queryWidth),
            into: scratch.attentionGradient.matrix(tokens, config.queryWidth), on: team)
        multiply(
            dState.matrix(tokens, hidden).transposed, kept.attention.matrix(tokens, config.queryWidth),
            into: gradients[weights.attentionOutput].matrix(hidden, config.queryWidth), accumulate: accumulate,
            on: team)
        attentionBackward(
            dFused: scratch.fusedGradient, dOutput: scratch.attentionGradient, output: kept.attention,
            logSumExp: kept.logSumExp, fused: kept.fused, shape: activations.attention,
            documentStarts: batch.documentStarts, scratch: scratch.attention, on: team)
        rotaryBackward(
            scratch.fusedGradient, stride: config.fusedWidth,
            heads: config.numAttentionHeads + config.numKeyValueHeads, table: rotary, sequenceLength: batch.length,
            on: team)
        rmsNormRecompute(
            output: normed, inverseRMS: kept.inputInverseRMS, input: input, weight: parameters[weights.inputNorm],
            on: team)
        multiply(
            scratch.fusedGradient.matrix(tokens, config.fusedWidth).transposed, normed.matrix(tokens, hidden),
            into: gradients[weights.queryKeyValue].matrix(config.fusedWidth, hidden), accumulate: accumulate, on: team)
        multiply(
            scratch.fusedGradient.matrix(tokens, config.fusedWidth),
            weight(weights.queryKeyValue, config.fusedWidth, hidden), into: normed.matrix(tokens, hidden), on: team)
        rmsNormBackward(
            dInput: dState, dWeight: gradients[weights.inputNorm], dOutput: normed, input: input,
            inverseRMS: kept.inputInverseRMS, weight: parameters[weights.inputNorm], accumulate: accumulate, on: team)
    }

    /// A weight as Hugging Face stores it, [outputs, inputs].
    func weight(_ range: Range<Int>, _ outputs: Int, _ inputs: Int) -> Matrix {
        parameters[range].matrix(outputs, inputs)
    }
}
