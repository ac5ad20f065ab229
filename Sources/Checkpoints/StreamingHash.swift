import CXXHash

/// XXH3 with 64 bits of a stream of bytes: as fast as memory, and enough against accidents (not against forgery).
final class StreamingHash {
    private let state = XXH3_createState()

    init() { XXH3_64bits_reset(state) }

    deinit { XXH3_freeState(state) }

    func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { _ = XXH3_64bits_update(state, $0.baseAddress, $0.count) }
    }

    /// The hash of everything so far, in 16 hexadecimal digits, as `xxhsum -H3` prints it.
    var hexadecimal: String {
        let digits = String(XXH3_64bits_digest(state), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

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
        let hash = StreamingHash()
        var chunk = [UInt8](repeating: 0, count: min(max(file.size, 1), 4 << 20))
        for start in stride(from: 0, to: file.size, by: chunk.count) {
            let count = min(chunk.count, file.size - start)
            try chunk.withUnsafeMutableBytes { try file.read(count, at: start, into: $0.mutableBytes) }
            hash.update(chunk.span.bytes.extracting(..<count))
        }
        self.init(bytes: file.size, xxh3: hash.hexadecimal)
    }
}
