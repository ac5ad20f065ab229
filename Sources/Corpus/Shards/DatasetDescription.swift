import FileSafety
import Foundation

/// Which of the two parts of a dataset.
public enum DatasetSplit: String, Sendable, CaseIterable {
    case train, validation
}

/// `dataset.json`: what lies in the directory of a prepared dataset. It is written last, so a dataset that has one is whole.
public struct DatasetDescription: Codable, Sendable, Equatable {
    public static let currentFormatVersion = 1

    public let formatVersion: Int
    /// One line for people.
    public let tokenizer: String
    public let vocabularySize: Int
    /// The id that opens every document.
    public let separator: Int32?
    /// The id that closes every document, where it is another one.
    public let endOfText: Int32?
    public let train: SplitDescription
    public let validation: SplitDescription

    public subscript(split: DatasetSplit) -> SplitDescription {
        switch split {
        case .train: train
        case .validation: validation
        }
    }

    enum CodingKeys: String, CodingKey {
        case tokenizer, separator, train, validation
        case formatVersion = "format_version"
        case vocabularySize = "vocabulary_size"
        case endOfText = "end_of_text"
    }

    /// Reads `dataset.json` of a directory.
    /// - Throws: `CorpusError` when there is none, or it is not of this format.
    public static func read(inDirectory directory: String) throws(CorpusError) -> DatasetDescription {
        let path = directory + "/" + DatasetFiles.description
        guard FileManager.default.fileExists(atPath: path) else {
            throw .usage(
                "\(directory) holds no \(DatasetFiles.description): make one with `jreg-dist prepare`, or name .bin shards (a glob will do)"
            )
        }
        let description: DatasetDescription
        do {
            description = try UntrustedJSON.decode(Self.self, from: WholeFile.read(path, atMost: largestFile))
        } catch let error as CorpusError {
            throw error
        } catch {
            throw .data("\(path) is damaged (\(error)): run `jreg-dist prepare` again")
        }
        guard description.formatVersion == currentFormatVersion else {
            throw .data(
                "\(path) has format version \(description.formatVersion), this program reads \(currentFormatVersion): run `jreg-dist prepare` again"
            )
        }
        guard description.isPossible else {
            throw .data(
                "\(path) is damaged (a number that cannot be, or a shard that is named by a path): run `jreg-dist prepare` "
                    + "again")
        }
        return description
    }

    private static let largestFile = 64 << 20

    /// Whether nothing that is counted with it overflows, and no shard lies outside of the directory.
    private var isPossible: Bool {
        // A file of the largest size lists fewer than 2²⁰ shards, so their sums stay below 2⁶².
        let counts = 0...(1 << 42)
        let shards = train.shards + validation.shards
        return (1...Int(Int32.max)).contains(vocabularySize)
            && shards.allSatisfy { shard in
                [shard.tokens, shard.documents, shard.textBytes].allSatisfy(counts.contains)
                    && isPlainFileName(shard.file)
            }
    }
}

/// One split of a dataset.
public struct SplitDescription: Codable, Sendable, Equatable {
    public let tokens: Int
    public let documents: Int
    /// UTF-8 bytes of the text.
    public let textBytes: Int
    /// Bytes of text per token, separators counted: with it a loss per token becomes bits per byte.
    public let bytesPerToken: Double?
    /// Nats per token of this split under the token frequencies of the training split (each count plus one):
    /// the loss of a model that knows nothing but how frequent each token is.
    public let unigramEntropy: Double?
    /// The ``TokenDataset/fingerprint`` of the shards.
    public let fingerprint: String
    public let shards: [ShardDescription]

    enum CodingKeys: String, CodingKey {
        case tokens, documents, fingerprint, shards
        case textBytes = "text_bytes"
        case bytesPerToken = "bytes_per_token"
        case unigramEntropy = "unigram_entropy"
    }

    init(shards: [ShardDescription], unigramEntropy: Double?) {
        self.shards = shards
        self.unigramEntropy = unigramEntropy
        tokens = shards.reduce(0) { $0 + $1.tokens }
        documents = shards.reduce(0) { $0 + $1.documents }
        textBytes = shards.reduce(0) { $0 + $1.textBytes }
        bytesPerToken = tokens > 0 ? Double(textBytes) / Double(tokens) : nil
        fingerprint = datasetFingerprint(shards.map { ($0.tokens, $0.hash) })
    }
}

/// One shard of a dataset.
public struct ShardDescription: Codable, Sendable, Equatable {
    /// The bare name of the file.
    public let file: String
    public let tokens: Int
    public let documents: Int
    /// UTF-8 bytes of the text.
    public let textBytes: Int
    /// XXH3 of the token ids as they stand in the file, without the header; 16 hexadecimal digits.
    public let hash: String

    enum CodingKeys: String, CodingKey {
        case file, tokens, documents, hash
        case textBytes = "text_bytes"
    }
}

/// A name for the content of shards in their order, whatever they are called: XXH3 over the format version and the size
/// and content hash of each.
func datasetFingerprint(_ shards: [(tokens: Int, hash: String)]) -> String {
    let identity = shards.map { "\($0.tokens) \($0.hash)\n" }.joined()
    return ContentHash.hexadecimal(ContentHash.of("token shards 1\n" + identity))
}
