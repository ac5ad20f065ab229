import CZlib
import FileSafety

/// The bytes of a file, unpacked when they begin as gzip does (by content, whatever the name).
struct TextStream: ~Copyable {
    private let path: String
    private let file: gzFile
    private var chunk = [UInt8](repeating: 0, count: 1 << 18)

    init(path: String) throws(CorpusError) {
        guard let file = gzopen(path, "rb") else {
            throw .usage("cannot open \(path): \(DurableFile.lastError().fileReason)")
        }
        self.path = path
        self.file = file
        gzbuffer(file, UInt32(chunk.count))
    }

    deinit { gzclose(file) }

    /// Appends the next bytes. Returns false at the end.
    mutating func read(into buffer: inout [UInt8]) throws(CorpusError) -> Bool {
        let count = gzread(file, &chunk, UInt32(chunk.count))
        // A file that ends within a compressed stream reads as its end, with this error set.
        var code: Int32 = Z_OK
        let message = String(cString: gzerror(file, &code))
        if count < 0 || code < 0 {
            throw .data("cannot read \(path): \(message). If it is compressed it is damaged or was not copied in full")
        }
        buffer += chunk[..<Int(count)]
        return count > 0
    }
}
