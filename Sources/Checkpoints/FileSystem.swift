import FileSafety
import Foundation

/// The few operations on directories that a store needs, each error with its path.
enum FileSystem {
    /// Whether something has this name. True also when the system cannot tell: what then fails names the cause.
    static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory, sorted.
    static func names(in directory: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw CheckpointError(.fileSystem, "cannot list \(directory): \(error.fileReason)")
        }
    }

    /// Makes a directory and those above it, where they do not exist.
    static func makeDirectories(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CheckpointError(.fileSystem, "cannot create \(path): \(error.fileReason)")
        }
    }

    static func makeDirectory(_ path: String) throws {
        guard mkdir(path, 0o777) == 0 else { throw CheckpointError.system(errno, "create", path) }
    }

    static func rename(_ old: String, to new: String) throws {
        guard Glibc.rename(old, new) == 0 else { throw CheckpointError.system(errno, "rename \(old) to", new) }
    }

    /// Removes a file; that it is gone already is no error.
    static func removeFile(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw CheckpointError.system(errno, "remove", path) }
    }

    /// Removes a directory unless something is left in it.
    static func removeDirectoryIfEmpty(_ path: String) throws {
        guard rmdir(path) == 0 || errno == ENOTEMPTY || errno == EEXIST else {
            throw CheckpointError.system(errno, "remove", path)
        }
    }

    /// Brings the names in a directory (files created, renamed, removed) to the disk.
    static func synchronize(_ directory: String) throws {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CheckpointError.system(errno, "open", directory) }
        defer { close(descriptor) }
        // EINVAL: a file system that keeps no such order apart, and so has nothing to do.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw CheckpointError.system(errno, "bring to disk", directory)
        }
    }

    /// What an ordinary user may still write on the file system of `path`, in bytes.
    static func freeBytes(at path: String) throws -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            throw CheckpointError.system(errno, "ask for the free space of", path)
        }
        let (bytes, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
        return overflow ? Int.max : bytes
    }
}
