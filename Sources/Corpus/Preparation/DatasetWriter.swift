import FileSafety
import Foundation

/// Writes the shards of both splits, and at the end everything else a dataset's directory holds.
///
/// Until ``finish()`` all files have partial names, so an earlier dataset in the directory stays as it is.
struct DatasetWriter: ~Copyable {
    private let directory: String
    private let tokenizer: any Tokenizer
    private var train: SplitWriter
    private var validation: SplitWriter

    init(directory: String, tokenizer: any Tokenizer, shardTokens: Int) throws(CorpusError) {
        self.directory = directory
        self.tokenizer = tokenizer
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            // What a prepare that was killed left behind.
            for name in try FileManager.default.contentsOfDirectory(atPath: directory)
            where DatasetFiles.isPartialShard(name) {
                try FileManager.default.removeItem(atPath: directory + "/" + name)
            }
        } catch {
            throw .system("cannot make the directory \(directory): \(error.fileReason)")
        }
        let vocabularySize = tokenizer.vocabularySize
        func writer(_ split: DatasetSplit) -> SplitWriter {
            SplitWriter(directory: directory, split: split, vocabularySize: vocabularySize, shardTokens: shardTokens)
        }
        train = writer(.train)
        validation = writer(.validation)
    }

    var tokens: Int { train.tokens + validation.tokens }
    var textBytes: Int { train.textBytes + validation.textBytes }

    mutating func append(_ document: [Int32], textBytes: Int, to split: DatasetSplit) throws(CorpusError) {
        switch split {
        case .train: try train.append(document, textBytes: textBytes)
        case .validation: try validation.append(document, textBytes: textBytes)
        }
    }

    /// Gives all files their names, `dataset.json` last.
    mutating func finish() throws -> DatasetDescription {
        try train.closeShard()
        try validation.closeShard()
        let description = DatasetDescription(
            formatVersion: DatasetDescription.currentFormatVersion, tokenizer: tokenizer.description,
            vocabularySize: tokenizer.vocabularySize, separator: tokenizer.separator,
            endOfText: tokenizer.endOfText == tokenizer.separator ? nil : tokenizer.endOfText,
            train: SplitDescription(
                shards: train.shards, unigramEntropy: train.counts.crossEntropy(under: train.counts)),
            validation: SplitDescription(
                shards: validation.shards, unigramEntropy: validation.counts.crossEntropy(under: train.counts)))

        try removeEarlierDataset()
        for shard in train.shards + validation.shards {
            let path = directory + "/" + shard.file
            try DurableFile.rename(path + DurableFile.partialSuffix, to: path)
        }
        try tokenizer.write(toDirectory: directory)
        try DurableFile.write(encodedJSON(description), to: directory + "/" + DatasetFiles.description)
        return description
    }

    /// Removes the partial files.
    mutating func discard() {
        for path in train.partialPaths + validation.partialPaths { try? FileManager.default.removeItem(atPath: path) }
    }

    /// The description goes first: without it the rest is no dataset.
    private func removeEarlierDataset() throws(CorpusError) {
        try DurableFile.rethrowing(directory) {
            let names = try FileManager.default.contentsOfDirectory(atPath: directory)
            for name in names.filter({ $0 == DatasetFiles.description }) + names.filter(DatasetFiles.isShard) {
                try FileManager.default.removeItem(atPath: directory + "/" + name)
            }
        }
    }
}
