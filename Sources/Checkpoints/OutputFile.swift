import FileSafety
import Glibc
import Kernels

/// A file being written from its beginning to its end, hashed on the way.
final class OutputFile {
    let path: String
    /// The size it will have, for the message of a full disk.
    private let expectedBytes: Int
    private var hash = ContentHash()
    private var descriptor: Int32
    private(set) var written = 0
    /// Up to which the bytes were brought to the disk: in parts, so that the end of a large file is not one long wait, in which
    /// nobody could tell a slow disk from one that hangs.
    private var synchronized = 0
    private static let part = 256 << 20

    init(_ path: String, expectedBytes: Int) throws {
        self.path = path
        self.expectedBytes = expectedBytes
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw CheckpointError.system(errno, "create", path) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func write(_ bytes: RawSpan) throws {
        try bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                // Hashed while the bytes are still in the cache that the copy to the kernel filled.
                let count = min(buffer.count - done, 1 << 20)
                let wrote = Glibc.write(descriptor, buffer.baseAddress! + done, count)
                if wrote < 0, errno == EINTR { continue }
                guard wrote >= 0 else { throw failure(errno, "write") }
                hash.update(bytes.extracting(done..<(done + wrote)))
                done += wrote
                written += wrote
                Vitals.beat()
                if written - synchronized >= Self.part { try synchronize() }
            }
        }
    }

    /// Brings the bytes to the disk and closes the file.
    func finish() throws -> FileDigest {
        try synchronize()
        let closed = close(descriptor)
        descriptor = -1
        guard closed == 0 else { throw failure(errno, "close") }
        return FileDigest(bytes: written, xxh3: hash.hexadecimal)
    }

    /// Some file systems tell of a full disk or a fault only here.
    private func synchronize() throws {
        guard fsync(descriptor) == 0 else { throw failure(errno, "bring to disk") }
        synchronized = written
        Vitals.beat()
    }

    private func failure(_ code: Int32, _ operation: String) -> CheckpointError {
        let error = CheckpointError.system(code, operation, path)
        guard error.kind == .diskFull else { return error }
        let free = (try? FileSystem.freeBytes(at: path)).map { "\(byteText($0)) are free there" }
        return CheckpointError(
            .diskFull,
            "\(error); \(byteText(written)) of \(byteText(expectedBytes)) were written and "
                + "\(free ?? "the free space is unknown"). Make room, or choose a directory on a larger file system")
    }
}
