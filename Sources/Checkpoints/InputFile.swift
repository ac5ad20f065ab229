import Glibc
import Kernels

/// A file open for reading at any place, by any number of readers.
final class InputFile: Sendable {
    let path: String
    /// Size in bytes when the file was opened.
    let size: Int
    private let descriptor: Int32

    /// - Parameter followsLink: whether `path` may be a link. What lies in a checkpoint of ours may not: it could lead out
    ///   of it.
    init(_ path: String, followsLink: Bool = true) throws {
        // Without O_NONBLOCK the opening of a pipe would wait for whoever writes to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followsLink ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else {
            if errno == ELOOP, !followsLink {
                throw CheckpointError(.damaged, "\(path) is a link, and a checkpoint has none")
            }
            throw CheckpointError.system(errno, "open", path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw CheckpointError(.fileSystem, "\(path) is not a regular file")
        }
        self.path = path
        self.size = status.st_size
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Fills the first `count` bytes of `target` with those at `offset`.
    ///
    /// - Throws: also when the file ends before, as one does that is cut while it is read.
    func read(_ count: Int, at offset: Int, into target: consuming MutableRawSpan) throws {
        precondition(count <= target.byteCount, "reading \(count) bytes into \(target.byteCount)")
        try target.withUnsafeMutableBytes { buffer in
            var done = 0
            while done < count {
                // The kernel moves at most 2 GiB at once; in smaller pieces, who watches sees that it gets on.
                let got = pread(descriptor, buffer.baseAddress! + done, min(count - done, 1 << 26), offset + done)
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw CheckpointError.system(errno, "read", path) }
                guard got > 0 else {
                    throw CheckpointError(
                        .damaged, "\(path) ends at byte \(offset + done), but \(count - done) more were expected")
                }
                done += got
                Vitals.beat()
            }
        }
    }

    /// `count` bytes from `offset`.
    func bytes(_ count: Int, at offset: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try read(count, at: offset, into: $0.mutableBytes) }
        return bytes
    }

    /// The whole file, which must not be larger than `limit` bytes.
    func contents(atMost limit: Int) throws -> [UInt8] {
        guard size <= limit else {
            throw CheckpointError(
                .damaged, "\(path) has \(byteText(size)), where at most \(byteText(limit)) make sense")
        }
        return try bytes(size, at: 0)
    }
}
