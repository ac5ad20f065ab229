import LlamaModel

extension LlamaConfig {
    /// Weights of the embedding table, [vocabulary, hidden].
    public var embeddingParameters: Int { vocabSize * hiddenSize }

    /// Floating-point operations that forward and backward need for one token of a sequence, recomputation left out.
    ///
    /// 2 for each weight that multiplies the token, and twice that backward; and 6·L·T·d for the causal attention, of
    /// which each token sees half of the T positions. Looking a row up in the embedding table multiplies nothing, so the
    /// table counts only where it is the output projection too.
    public func trainingFlopsPerToken(sequenceLength: Int) -> Int {
        let multiplied = ParameterLayout(self).count - (tieWordEmbeddings ? 0 : embeddingParameters)
        return 6 * multiplied + 6 * numHiddenLayers * sequenceLength * queryWidth
    }
}
