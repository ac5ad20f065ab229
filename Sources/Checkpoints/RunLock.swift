import Foundation

/// Keeps a second run out of an output directory: an exclusive lock on a file in it, which says who holds it.
///
/// The kernel releases the lock when the process ends, however it ends; over NFS the server does. The file of a run that
/// was killed stays, and keeps nobody out.
public final class RunLock: Sendable {
    static let fileName = "run.lock"

    /// Why nobody is kept out after all: the file system knows no locks.
    public let warning: String?
    private let path: String
    private let descriptor: Int32

    /// Makes the directory if need be.
    ///
    /// - Throws: `CheckpointError`, of kind `inUse` when another run holds the lock; the message names it.
    public init(directory: String) throws {
        try FileSystem.makeDirectories(directory)
        path = directory + "/" + Self.fileName
        var descriptor = try Self.open(path)
        var refusal = Self.lock(descriptor)
        // Its holder may have removed the file between the two: then the lock is on a file that no other run can find.
        while refusal == 0 && !Self.isStill(descriptor, path) {
            close(descriptor)
            descriptor = try Self.open(path)
            refusal = Self.lock(descriptor)
        }
        self.descriptor = descriptor
        guard refusal != EWOULDBLOCK else {
            defer { close(descriptor) }
            throw CheckpointError(
                .inUse,
                "\(directory) is in use by \(Self.holder(descriptor)): two runs in one directory would overwrite each "
                    + "other's checkpoints. Wait for its end, stop it, or name another --out")
        }
        warning =
            refusal == 0
            ? nil
            : "\(path) cannot be locked (\(String(cString: strerror(refusal)))): see to it that no other run uses "
                + "\(directory)"
        let text = Self.account
        guard ftruncate(descriptor, 0) == 0, write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw CheckpointError.system(errno, "write", path)
        }
    }

    deinit {
        unlink(path)
        close(descriptor)
    }

    private static func open(_ path: String) throws -> Int32 {
        // The file is emptied and written: a link must not lead to another one, nor may it be a pipe or a device.
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else {
            throw errno == ELOOP
                ? CheckpointError(.fileSystem, "\(path) is a link: remove it, it would be written through")
                : CheckpointError.system(errno, "create", path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw CheckpointError(.fileSystem, "\(path) is not a regular file: remove it")
        }
        return descriptor
    }

    /// 0, or the errno of the refusal.
    private static func lock(_ descriptor: Int32) -> Int32 {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno != EINTR { return errno }
        }
        return 0
    }

    /// Whether `path` still is the file that is open.
    private static func isStill(_ descriptor: Int32, _ path: String) -> Bool {
        var (own, found) = (stat(), stat())
        return fstat(descriptor, &own) == 0 && stat(path, &found) == 0 && own.st_ino == found.st_ino
            && own.st_dev == found.st_dev
    }

    /// Who this process is, for whoever is refused.
    private static var account: String {
        let host = ProcessInfo.processInfo.hostName
        return "process \(getpid()) on \(host), since \(Date.now.formatted(.iso8601))"
    }

    /// What the holder wrote; it may just be about to.
    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        for _ in 0..<10 {
            let count = pread(descriptor, &bytes, bytes.count, 0)
            let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).filter { !$0.isNewline }
            if text.hasPrefix("process ") { return text }
            usleep(20_000)
        }
        return "another run"
    }
}
