import Kernels

/// The final norm and the output projection with its cross-entropy, a chunk of tokens at a time: the logits of a whole
/// microbatch would be by far the largest array of all.
extension Llama {
    /// losses[t] = −log p(target[t]) and squares[t] = logSumExp², [tokens] each, of the model's reading of `state`
    /// [tokens, hidden].
    public func headForward(
        state: FloatSlice, targets: [Int32], losses: FloatSlice, squares: FloatSlice, _ activations: Activations
    ) {
        forEachChunk(of: state, activations, hasGradient: false) { chunk in
            crossEntropyForward(
                chunk.shape, hidden: chunk.normed, weight: parameters[layout.head], targets: targets[chunk.rows],
                losses: losses[chunk.rows], squares: squares[chunk.rows], gradientScale: 1, zLoss: 0,
                scratch: activations.scratch.head, on: team)
        }
    }

    /// As `headForward`, with the backward of each chunk while it is hot: `activations.stateGradient` becomes the gradient
    /// of scale · Σ (losses + zLoss · squares) with respect to `state`; those of the final norm and of the output projection
    /// go into `gradients` (added when `accumulate`, else overwritten).
    public func headForwardBackward(
        state: FloatSlice, targets: [Int32], losses: FloatSlice, squares: FloatSlice, scale: Float, zLoss: Float,
        _ activations: Activations, gradients: FloatSlice, accumulate: Bool
    ) {
        let (weight, scratch) = (parameters[layout.head], activations.scratch.head)
        activations.stateGradient.fill(0)
        var accumulate = accumulate
        forEachChunk(of: state, activations, hasGradient: true) { chunk in
            let targets = targets[chunk.rows]
            crossEntropyForward(
                chunk.shape, hidden: chunk.normed, weight: weight, targets: targets, losses: losses[chunk.rows],
                squares: squares[chunk.rows], gradientScale: scale, zLoss: zLoss, scratch: scratch, on: team)
            let dNormed = chunk.normed
            crossEntropyBackward(
                chunk.shape, dHidden: dNormed, dWeight: gradients[layout.head], accumulate: accumulate,
                hidden: chunk.normed, weight: weight, targets: targets, gradientScale: scale, scratch: scratch,
                on: team)
            rmsNormBackward(
                dInput: activations.stateGradient.rows(chunk.rows, width: config.hiddenSize),
                dWeight: gradients[layout.finalNorm], dOutput: dNormed, input: chunk.state,
                inverseRMS: chunk.inverseRMS, weight: parameters[layout.finalNorm], accumulate: accumulate, on: team)
            accumulate = true
        }
    }

    /// The final norm of `state` [tokens, hidden], in scratch memory that the next block overwrites.
    public func finalNorm(of state: FloatSlice, _ activations: Activations) -> FloatSlice {
        let normed = activations.scratch.normed
        rmsNormForward(
            output: normed, inverseRMS: activations.block(0).inputInverseRMS, input: state,
            weight: parameters[layout.finalNorm], epsilon: Float(config.rmsNormEps), on: team)
        return normed
    }

    /// The logits [rows, vocabulary] of hidden states [rows, hidden], in memory of their own: for the few rows of a text
    /// that is being written, not for training.
    public func logits(of state: FloatSlice) -> FloatSlice {
        let rows = state.count / config.hiddenSize
        var cutter = ArenaCutter(
            FloatArena(count: rows * (config.hiddenSize + config.vocabSize + 1) + 3 * ArenaCutter.unit))
        let (normed, logits) = (cutter.take(state.count), cutter.take(rows * config.vocabSize))
        rmsNormForward(
            output: normed, inverseRMS: cutter.take(rows), input: state, weight: parameters[layout.finalNorm],
            epsilon: Float(config.rmsNormEps), on: team)
        multiply(
            normed.matrix(rows, config.hiddenSize), weight(layout.head, config.vocabSize, config.hiddenSize).transposed,
            into: logits.matrix(rows, config.vocabSize), on: team)
        return logits
    }

    private struct HeadChunk {
        let rows: Range<Int>
        /// [rows, hidden], before and after the final norm.
        let state: FloatSlice
        let normed: FloatSlice
        let inverseRMS: FloatSlice
        let shape: CrossEntropyShape
    }

    private func forEachChunk(
        of state: FloatSlice, _ activations: Activations, hasGradient: Bool, _ body: (HeadChunk) -> Void
    ) {
        let hidden = config.hiddenSize
        let tokens = state.count / hidden
        let scratch = activations.scratch
        for begin in stride(from: 0, to: tokens, by: ActivationPlan.headChunkTokens) {
            let rows = begin..<min(tokens, begin + ActivationPlan.headChunkTokens)
            let chunk = HeadChunk(
                rows: rows, state: state.rows(rows, width: hidden),
                normed: scratch.headNormed.rows(0..<rows.count, width: hidden),
                inverseRMS: scratch.headInverseRMS[0..<rows.count],
                shape: CrossEntropyShape(
                    rows: rows.count, width: hidden, vocabulary: config.vocabSize, hasGradient: hasGradient,
                    teamSize: team.size))
            rmsNormForward(
                output: chunk.normed, inverseRMS: chunk.inverseRMS, input: chunk.state,
                weight: parameters[layout.finalNorm], epsilon: Float(config.rmsNormEps), on: team)
            body(chunk)
        }
    }
}
