import Glibc

/// Deletes checkpoints such that one that is half gone is never taken for whole, and nothing that is not of a checkpoint.
enum CheckpointRemoval {
    /// Removes a checkpoint: its marker first, its list of files last, and the directory unless something else lies in it.
    static func remove(_ path: String) throws {
        guard FileSystem.exists(path) else { return }
        try FileSystem.removeFile(path + "/" + CheckpointFiles.complete)
        try FileSystem.synchronize(path)
        let list = path + "/" + CheckpointFiles.checksums
        let listed = (try? Checkpoint.files(listedIn: list)).map { Array($0.keys) } ?? CheckpointFiles.required
        for name in listed { try FileSystem.removeFile(path + "/" + name) }
        try FileSystem.removeFile(list)
        try FileSystem.removeDirectoryIfEmpty(path)
    }

    /// Removes a checkpoint that another is to replace; files of the user that were put into it stay, under another name.
    static func makeWay(at path: String) throws {
        try remove(path)
        guard FileSystem.exists(path) else { return }
        var attempt = 1
        while FileSystem.exists("\(path).set-aside-\(attempt)") { attempt += 1 }
        try FileSystem.rename(path, to: "\(path).set-aside-\(attempt)")
    }

    /// Removes the directory in which a checkpoint grew. All files directly in it are of that checkpoint.
    static func removeTemporary(_ path: String) throws {
        guard FileSystem.exists(path) else { return }
        for name in try FileSystem.names(in: path) where !FileSystem.isDirectory(path + "/" + name) {
            try FileSystem.removeFile(path + "/" + name)
        }
        try FileSystem.removeDirectoryIfEmpty(path)
    }

    /// Whether a directory without a valid marker is what a killed run left, and not something of the user's of the same name.
    static func isRemainder(_ path: String) throws -> Bool {
        let names = try FileSystem.names(in: path)
        return names.isEmpty || names.contains(CheckpointFiles.checksums) || names.contains(CheckpointFiles.complete)
    }
}
