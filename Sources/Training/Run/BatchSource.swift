import Corpus
import LlamaModel

/// Which text each microbatch holds: a function of the samples consumed so far and of its lane, never of the ranks.
struct BatchSource {
    let dataset: TokenDataset
    let order: SampleOrder
    let batch: RunConfig.BatchSection
    let separator: Int32?

    init(_ dataset: TokenDataset, _ config: RunConfig) {
        self.dataset = dataset
        batch = config.batch
        separator = config.data.documentMask ? dataset.separator : nil
        order = SampleOrder(
            seed: UInt64(config.run.seed), windowCount: dataset.windowCount, fingerprint: dataset.fingerprint,
            shuffle: config.data.shuffle)
    }

    /// Microbatch `microBatch` of lane `lane` of the global batch that begins with sample `firstSample`.
    func microBatch(_ microBatch: Int, lane: Int, firstSample: Int) -> TokenBatch {
        let first = firstSample + lane * batch.samplesPerLane + microBatch * batch.microBatchSize
        let windows = (first..<(first + batch.microBatchSize)).map { dataset.window(order.window(ofSample: $0)) }
        return TokenBatch(
            windows: windows,
            documentStarts: separator.map { separator in { documentStarts(in: $0, separator: separator) } })
    }
}
