/// Windows of `sequenceLength` + 1 tokens over token shards, every one validated before the first is read.
///
/// Window i of a shard covers its tokens [i·T, i·T + T], so neighbours share one token: the last target of the one is the
/// first input of the next. Windows never cross shards; what is left at a shard's end is not used.
public final class TokenDataset: Sendable {
    /// T: tokens that are predicted in a window.
    public let sequenceLength: Int
    public let windowCount: Int
    /// All tokens of the shards.
    public let tokenCount: Int
    /// The same for the same tokens in the same shards, wherever they lie.
    public let fingerprint: String
    /// Bytes of text per token; `nil` for shards without a `dataset.json` that lists them.
    public let bytesPerToken: Double?
    /// The id that opens every document; `nil` when no `dataset.json` says it, or they disagree.
    public let separator: Int32?
    /// Nats per token of the split under the training unigram distribution; `nil` unless the data is one whole split.
    public let unigramEntropy: Double?
    /// The paths of the shards, in the order of their windows.
    public var paths: [String] { shards.map(\.path) }

    private let shards: [TokenShard]
    /// The first window of each shard, and the number of windows at the end.
    private let firstWindow: [Int]

    /// - Parameters:
    ///   - paths: shards, directories with a `dataset.json`, globs of either.
    ///   - split: which shards of a directory.
    ///   - vocabularySize: every id must be below it.
    /// - Throws: `CorpusError` for a shard that is missing, foreign, damaged, or holds larger ids, and for data that is
    ///   too short for one window.
    public init(paths: [String], split: DatasetSplit, sequenceLength: Int, vocabularySize: Int) throws {
        guard sequenceLength > 0 else {
            throw CorpusError.usage("batch.sequence_length is \(sequenceLength), but must be at least 1")
        }
        let sources = try ShardSource.find(paths, split: split)
        let shards = try sources.map { source in
            let shard = try TokenShard(path: source.path, vocabularySize: vocabularySize)
            if let difference = source.description.flatMap(shard.difference) { throw CorpusError.data(difference) }
            return shard
        }
        self.sequenceLength = sequenceLength
        self.shards = shards
        firstWindow = shards.reduce(into: [0]) { $0.append($0[$0.count - 1] + ($1.tokenCount - 1) / sequenceLength) }
        windowCount = firstWindow[shards.count]
        tokenCount = shards.reduce(0) { $0 + $1.tokenCount }
        fingerprint = datasetFingerprint(shards.map { ($0.tokenCount, $0.hash) })
        if windowCount == 0 {
            let longest = shards.map(\.tokenCount).max() ?? 0
            throw CorpusError.data(
                "the \(split) data is too short for one window: batch.sequence_length \(sequenceLength) needs a shard of \(sequenceLength + 1) tokens, the longest of \(shards.count) (\(shards.map(\.path).prefix(3).joined(separator: ", "))) has \(longest). Use more text or a smaller batch.sequence_length"
            )
        }

        let descriptions = sources.compactMap(\.description)
        let isDescribed = descriptions.count == sources.count
        bytesPerToken = isDescribed ? Double(descriptions.reduce(0) { $0 + $1.textBytes }) / Double(tokenCount) : nil
        let separators = Set(sources.map { $0.dataset?.separator })
        separator = separators.count == 1 ? separators.first ?? nil : nil
        let whole = sources.first?.dataset?[split]
        unigramEntropy = whole?.fingerprint == fingerprint ? whole?.unigramEntropy : nil
    }

    /// The `sequenceLength` + 1 ids of a window.
    public func window(_ index: Int) -> [Int32] {
        var tokens = [Int32](repeating: 0, count: sequenceLength + 1)
        copyWindow(index, into: &tokens, at: 0)
        return tokens
    }

    /// Copies the `sequenceLength` + 1 ids of a window to `tokens[offset...]`.
    public func copyWindow(_ index: Int, into tokens: inout [Int32], at offset: Int) {
        precondition(0 <= index && index < windowCount, "window \(index) of \(windowCount)")
        precondition(offset >= 0 && tokens.count - offset > sequenceLength, "no room for a window")
        // The last shard that begins at or before the window; shards without windows are passed over.
        var low = 0
        var high = shards.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if firstWindow[middle] <= index { low = middle } else { high = middle }
        }
        let start = (index - firstWindow[low]) * sequenceLength
        shards[low].copy(start..<start + sequenceLength + 1, into: &tokens, at: offset)
    }
}
