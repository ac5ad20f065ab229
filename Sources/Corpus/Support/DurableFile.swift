import FileSafety
import Foundation

/// Writing so that a file is either not there under its name or there as a whole, also after a loss of power.
enum DurableFile {
    /// What a file is called while it is being written.
    static let partialSuffix = ".partial"

    static func write(_ data: Data, to path: String) throws(CorpusError) {
        let partial = path + partialSuffix
        try rethrowing(path) {
            guard FileManager.default.createFile(atPath: partial, contents: nil) else { throw lastError() }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: partial))
            try file.write(contentsOf: data)
            try file.synchronize()
            try file.close()
        }
        try rename(partial, to: path)
    }

    static func rename(_ old: String, to new: String) throws(CorpusError) {
        try rethrowing(new) {
            guard Glibc.rename(old, new) == 0 else { throw lastError() }
        }
        try synchronizeDirectory((new as NSString).deletingLastPathComponent)
    }

    /// Runs `body` and names the path in what it throws.
    static func rethrowing<Result>(_ path: String, _ body: () throws -> Result) throws(CorpusError) -> Result {
        do {
            return try body()
        } catch {
            throw .system("cannot write \(path): \(error.fileReason)")
        }
    }

    static func lastError() -> any Error { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }

    /// A new name is on the disk only when its directory is.
    private static func synchronizeDirectory(_ directory: String) throws(CorpusError) {
        try rethrowing(directory) {
            let descriptor = open(directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY)
            guard descriptor >= 0 else { throw lastError() }
            defer { close(descriptor) }
            guard fsync(descriptor) == 0 else { throw lastError() }
        }
    }
}
