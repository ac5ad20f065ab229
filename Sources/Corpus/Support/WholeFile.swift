import FileSafety
import Foundation

/// Reading a file that is to lie in memory as a whole.
enum WholeFile {
    /// The content of a regular file of at most `limit` bytes. Nothing else is opened for reading: a pipe would wait for
    /// whoever writes to it, and a device may have no end.
    static func read(_ path: String, atMost limit: Int) throws(CorpusError) -> Data {
        try requireRegular(path)
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            let content = try file.read(upToCount: limit + 1) ?? Data()
            if content.count <= limit { return content }
        } catch {
            throw .usage("cannot read \(path): \(error.fileReason)")
        }
        throw .data("\(path) has more than \(limit >> 20) MiB, where less makes sense: is it another file?")
    }

    /// - Throws: `CorpusError` for what is no regular file, or a link to one.
    static func requireRegular(_ path: String) throws(CorpusError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw .usage("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .data("\(path) is no regular file") }
    }
}
