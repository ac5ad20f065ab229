import Corpus
import LlamaModel

/// Which text each microbatch holds: a function of the samples consumed so far and of its lane, never of the ranks.
struct BatchSource {
    let batch: RunConfig.BatchSection
    /// The token that separates documents, where they must not see one another.
    let separator: Int32?
    /// The tokens of a sample, one more than are predicted.
    let window: (_ sample: Int) -> [Int32]

    init(batch: RunConfig.BatchSection, separator: Int32? = nil, window: @escaping (_ sample: Int) -> [Int32]) {
        self.batch = batch
        self.separator = separator
        self.window = window
    }

    init(_ dataset: TokenDataset, _ config: RunConfig) {
        let order = SampleOrder(
            seed: UInt64(config.run.seed), windowCount: dataset.windowCount, fingerprint: dataset.fingerprint,
            shuffle: config.data.shuffle)
        self.init(batch: config.batch, separator: config.data.documentMask ? dataset.separator : nil) {
            dataset.window(order.window(ofSample: $0))
        }
    }

    /// Microbatch `microBatch` of lane `lane` of the global batch that begins with sample `firstSample`.
    func microBatch(_ microBatch: Int, lane: Int, firstSample: Int) -> TokenBatch {
        let first = firstSample + lane * batch.samplesPerLane + microBatch * batch.microBatchSize
        return TokenBatch(
            windows: (first..<(first + batch.microBatchSize)).map(window),
            documentStarts: separator.map { separator in { documentStarts(in: $0, separator: separator) } })
    }
}
