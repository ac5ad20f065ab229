import Kernels

/// The final norm and the output projection, a chunk of tokens at a time: the logits of a whole microbatch would be by far
/// the largest array of all.
extension Llama {
    /// Calls `body` with the logits [rows, vocabulary] of consecutive ranges of the tokens of `state` [tokens, hidden].
    public func headForward(
        state: FloatSlice, _ activations: Activations, _ body: (_ logits: FloatSlice, _ rows: Range<Int>) -> Void
    ) {
        forEachChunk(of: state, activations) { rows, _, _, logits in body(logits, rows) }
    }

    /// As `headForward`, but `body` turns each chunk of logits into its gradient in place, and the head's backward follows
    /// while the chunk is hot: `activations.stateGradient` becomes dLoss/dh_L, and the gradients of the final norm and of
    /// the output projection go into `gradients` (added when `accumulate`, else overwritten).
    public func headForwardBackward(
        state: FloatSlice, _ activations: Activations, gradients: FloatSlice, accumulate: Bool,
        _ body: (_ logits: FloatSlice, _ rows: Range<Int>) -> Void
    ) {
        let (hidden, vocabulary) = (config.hiddenSize, config.vocabSize)
        activations.stateGradient.fill(0)
        var accumulate = accumulate
        forEachChunk(of: state, activations) { rows, normed, inverseRMS, logits in
            body(logits, rows)
            let dLogits = logits.matrix(rows.count, vocabulary)
            multiply(
                dLogits.transposed, normed.matrix(rows.count, hidden),
                into: gradients[layout.head].matrix(vocabulary, hidden), accumulate: accumulate, on: team)
            let dNormed = normed
            multiply(
                dLogits, weight(layout.head, vocabulary, hidden), into: dNormed.matrix(rows.count, hidden), on: team)
            rmsNormBackward(
                dInput: activations.stateGradient.rows(rows, width: hidden), dWeight: gradients[layout.finalNorm],
                dOutput: dNormed, input: state.rows(rows, width: hidden), inverseRMS: inverseRMS,
                weight: parameters[layout.finalNorm], accumulate: accumulate, on: team)
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

    private func forEachChunk(
        of state: FloatSlice, _ activations: Activations,
        _ body: (_ rows: Range<Int>, _ normed: FloatSlice, _ inverseRMS: FloatSlice, _ logits: FloatSlice) -> Void
    ) {
        let (hidden, vocabulary) = (config.hiddenSize, config.vocabSize)
        let tokens = state.count / hidden
        let scratch = activations.scratch
        for begin in stride(from: 0, to: tokens, by: ActivationPlan.headChunkTokens) {
            let rows = begin..<min(tokens, begin + ActivationPlan.headChunkTokens)
            let normed = scratch.headNormed.rows(0..<rows.count, width: hidden)
            let inverseRMS = scratch.headInverseRMS[0..<rows.count]
            let logits = scratch.logits.rows(0..<rows.count, width: vocabulary)
            rmsNormForward(
                output: normed, inverseRMS: inverseRMS, input: state.rows(rows, width: hidden),
                weight: parameters[layout.finalNorm], epsilon: Float(config.rmsNormEps), on: team)
            multiply(
                normed.matrix(rows.count, hidden), weight(layout.head, vocabulary, hidden).transposed,
                into: logits.matrix(rows.count, vocabulary), on: team)
            body(rows, normed, inverseRMS, logits)
        }
    }
}
