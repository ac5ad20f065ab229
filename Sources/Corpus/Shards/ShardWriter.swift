import FileSafety
import Foundation

/// Writes one token shard; it has its name only when it is whole and on the disk.
struct ShardWriter: ~Copyable {
    private let path: String
    private let format: ShardFormat
    private let file: FileHandle
    private var hash = ContentHash()
    private(set) var tokens = 0
    private var documents = 0
    private var textBytes = 0

    /// - Parameter path: the final name; until ``finish()`` and a rename the file is called `path.partial`.
    init(path: String, format: ShardFormat) throws(CorpusError) {
        self.path = path
        self.format = format
        let partial = path + DurableFile.partialSuffix
        file = try DurableFile.rethrowing(partial) {
            guard FileManager.default.createFile(atPath: partial, contents: nil) else { throw DurableFile.lastError() }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: partial))
            // The header's count is known at the end; until then the file is no shard.
            try file.write(contentsOf: Data(count: ShardFormat.headerSize))
            return file
        }
    }

    mutating func append(document: [Int32], textBytes: Int) throws(CorpusError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(document.count * format.width)
        for token in document {
            for byte in 0..<format.width { bytes.append(UInt8(truncatingIfNeeded: token >> Int32(8 * byte))) }
        }
        hash.update(bytes)
        try DurableFile.rethrowing(path) { try file.write(contentsOf: Data(bytes)) }
        tokens += document.count
        documents += 1
        self.textBytes += textBytes
    }

    /// Completes the header and puts the file on the disk, still under its partial name.
    consuming func finish() throws(CorpusError) -> ShardDescription {
        try DurableFile.rethrowing(path) {
            try file.seek(toOffset: 0)
            try file.write(contentsOf: Data(format.header(tokenCount: Int32(tokens))))
            try file.synchronize()
            try file.close()
        }
        return ShardDescription(
            file: (path as NSString).lastPathComponent, tokens: tokens, documents: documents, textBytes: textBytes,
            hash: hash.hexadecimal)
    }
}
