/// Writes one split: shard after shard, each of whole documents.
struct SplitWriter: ~Copyable {
    private let directory: String
    private let split: DatasetSplit
    private let format: ShardFormat
    private let shardTokens: Int
    private var open: ShardWriter?
    private(set) var shards: [ShardDescription] = []
    private(set) var counts: UnigramCounts
    private(set) var tokens = 0
    private(set) var textBytes = 0

    init(directory: String, split: DatasetSplit, vocabularySize: Int, shardTokens: Int) {
        self.directory = directory
        self.split = split
        self.shardTokens = shardTokens
        format = ShardFormat(vocabularySize: vocabularySize)
        counts = UnigramCounts(vocabularySize: vocabularySize)
    }

    mutating func append(_ document: [Int32], textBytes: Int) throws(CorpusError) {
        if let filled = open?.tokens, filled + document.count > shardTokens { try closeShard() }
        if open == nil {
            open = try ShardWriter(path: path(ofShard: shards.count), format: format)
        }
        try open?.append(document: document, textBytes: textBytes)
        counts.add(document)
        tokens += document.count
        self.textBytes += textBytes
    }

    /// Finishes the open shard, if there is one.
    mutating func closeShard() throws(CorpusError) {
        guard let last = open.take() else { return }
        shards.append(try last.finish())
    }

    /// The names under which the shards lie until they are renamed.
    var partialPaths: [String] {
        (0...shards.count).map { path(ofShard: $0) + DurableFile.partialSuffix }
    }

    private func path(ofShard number: Int) -> String { directory + "/" + DatasetFiles.shard(split, number) }
}
