import CZlib
import Corpus
import Foundation

/// A shard by itself.
struct ShardReader: FileReader {
    private let path: String
    let seeds: [[UInt8]]

    init(_ directory: String) throws {
        path = FuzzFile(in: directory).path
        let dataset = try TinyDataset(in: directory)
        let narrow = try bytes(dataset.path + "/train_000000.bin")
        // The other kind: a magic number and version of its own, and four bytes for an id.
        var wide: [UInt8] = [0xa1, 0xd9, 0x34, 0x01, 7, 0, 0, 0, 6, 0, 0, 0] + [UInt8](repeating: 0, count: 1012)
        wide += (0..<6).flatMap { [UInt8($0), 0, 0, 0] }
        seeds = [narrow, wide]
    }

    func read(_ content: [UInt8]) throws {
        try touch(
            TokenDataset(paths: [path], split: .train, sequenceLength: 4, vocabularySize: 257), vocabulary: 257)
    }
}

/// `dataset.json` beside its shards.
struct DatasetReader: FileReader {
    private let dataset: TinyDataset
    let seeds: [[UInt8]]

    init(_ directory: String) throws {
        dataset = try TinyDataset(in: directory)
        seeds = [try bytes(dataset.path + "/dataset.json")]
        try FuzzFile(in: directory).link(as: dataset.path + "/dataset.json")
    }

    func read(_ content: [UInt8]) throws {
        for finding in DatasetDescription.inspect(dataset.path) { _ = finding.problem }
        let data = try TokenDataset(
            paths: [dataset.path], split: .train, sequenceLength: 4, vocabularySize: 257)
        _ = (data.bytesPerToken, data.unigramEntropy, data.separator)
        try touch(data, vocabulary: 257)
    }
}

/// Reads every window.
private func touch(_ data: TokenDataset, vocabulary: Int32) throws {
    for window in 0..<data.windowCount {
        precondition(data.window(window).allSatisfy { 0 <= $0 && $0 < vocabulary }, "an id outside of the vocabulary")
    }
}

/// A dataset of a few words, made by the program.
private struct TinyDataset {
    let path: String

    init(in directory: String) throws {
        let text = directory + "/words.txt"
        try "once upon a time\n\nthere was a file\n".write(toFile: text, atomically: false, encoding: .utf8)
        path = directory + "/data"
        _ = try CorpusPreparation(inputs: [text], output: path, tokenizer: .bytes).run()
    }
}

/// Text on its way to shards, plain or gzip-compressed; a name that ends in `.jsonl` says that each line holds one.
struct TextReader: FileReader {
    private let preparation: CorpusPreparation
    private let isLines: Bool

    init(_ directory: String, name: String) throws {
        let path = directory + "/" + name
        try FuzzFile(in: directory).link(as: path)
        isLines = name.hasSuffix(".jsonl")
        var preparation = CorpusPreparation(inputs: [path], output: directory + "/data", tokenizer: .bytes)
        preparation.overwrite = true
        self.preparation = preparation
    }

    var seeds: [[UInt8]] {
        let texts =
            isLines
            ? [
                "{\"text\": \"one \\u00e9\\ud83d\\ude00\"}\n{\"id\": 1, \"text\": \"two\\n\", \"meta\": [{\"a\": null}]}\n",
                "\u{FEFF}{\"text\":\"\"}\r\n\n{\"text\":\" x\"}",
            ] : ["once upon a time\n\nthere was é 😀\r\n", "\u{FEFF}x"]
        return texts.flatMap { [Array($0.utf8), compressed(Array($0.utf8))] }
    }

    func read(_ content: [UInt8]) throws { _ = try preparation.run() }

    /// As gzip has it.
    private func compressed(_ text: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        // 31: the largest window, with the header of gzip.
        deflateInit2_(
            &stream, Z_BEST_COMPRESSION, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var (input, output) = (text, [UInt8](repeating: 0, count: text.count + 64))
        let count = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                (stream.next_in, stream.avail_in) = (input.baseAddress, UInt32(input.count))
                (stream.next_out, stream.avail_out) = (output.baseAddress, UInt32(output.count))
                deflate(&stream, Z_FINISH)
                return output.count - Int(stream.avail_out)
            }
        }
        return Array(output.prefix(count))
    }
}
