import FileSafety

/// What a file's content is known by.
public struct FileDigest: Codable, Sendable, Equatable {
    /// Size in bytes.
    public let bytes: Int
    /// XXH3-64 in hexadecimal.
    public let xxh3: String

    init(bytes: Int, xxh3: String) {
        self.bytes = bytes
        self.xxh3 = xxh3
    }

    /// Reads the whole file, a few megabytes at a time.
    public init(ofFile path: String) throws {
        let file = try InputFile(path)
        var hash = ContentHash()
        var chunk = [UInt8](repeating: 0, count: min(max(file.size, 1), 4 << 20))
        for start in stride(from: 0, to: file.size, by: chunk.count) {
            let count = min(chunk.count, file.size - start)
            try chunk.withUnsafeMutableBytes { try file.read(count, at: start, into: $0.mutableBytes) }
            hash.update(chunk.span.bytes.extracting(..<count))
        }
        self.init(bytes: file.size, xxh3: hash.hexadecimal)
    }
}
