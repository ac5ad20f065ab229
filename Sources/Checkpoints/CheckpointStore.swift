import Glibc

/// The checkpoints of one run: directories `step-00000100` beside each other, of which the newest few are kept.
///
/// A checkpoint is either whole or not there, whenever the run is killed and whatever the disk refuses:
/// 1. It grows under a temporary name. Each file is brought to the disk, then a list of their hashes, then the directory.
/// 2. It is renamed, and the directory above is brought to the disk.
/// 3. The marker `COMPLETE`, which holds the hash of that list, is written last; and it is the first to go in a deletion.
///
/// One run at a time may use a directory, which `RunLock` sees to, and one thread at a time a store.
public final class CheckpointStore: @unchecked Sendable {
    public let directory: String
    /// How many complete checkpoints stay.
    public let keep: Int
    /// Steps whose checkpoints were found damaged. They neither count as kept nor push out sound ones.
    private var damagedSteps: Set<Int> = []

    /// - Throws: `CheckpointError` when `keep` is below 2: with a single one, damage to it would end the run for good.
    public init(directory: String, keep: Int) throws {
        guard keep >= 2 else {
            throw CheckpointError(
                .misuse, "keep_checkpoints is \(keep), but must be at least 2: a run must survive damage to the newest")
        }
        self.directory = directory
        self.keep = keep
    }

    /// A complete checkpoint in the store.
    public struct Entry: Sendable, Equatable {
        public let step: Int
        public let path: String
    }

    /// What `newestUsable` found.
    public struct Recovery: Sendable {
        /// The newest that is whole and accepted.
        public let found: Checkpoint?
        /// The newer ones, newest first, each with what is wrong with it.
        public let skipped: [(path: String, reason: String)]
    }

    /// The complete checkpoints, oldest first. Their large files are not read.
    public func list() throws -> [Entry] {
        try stepDirectories().filter { try Checkpoint.isComplete($0.path) }
    }

    /// The newest checkpoint that is complete, undamaged to the last byte, and accepted. Where none is, one that only lacks
    /// the marker is completed.
    ///
    /// - Parameter accepting: says why a sound checkpoint cannot be taken, or nil if it can.
    /// - Throws: `CheckpointError` only when the directory itself cannot be listed, or that marker cannot be written.
    public func newestUsable(accepting: (TrainerState) -> String? = { _ in nil }) throws -> Recovery {
        var skipped: [(path: String, reason: String)] = []
        for entry in try stepDirectories().reversed() {
            do {
                let checkpoint = try Checkpoint(verifying: entry.path)
                guard checkpoint.state.step == entry.step else {
                    throw CheckpointError(
                        .damaged, "it holds step \(checkpoint.state.step): the directory was renamed or copied")
                }
                guard let reason = accepting(checkpoint.state) else {
                    return Recovery(found: checkpoint, skipped: skipped)
                }
                skipped.append((entry.path, reason))
            } catch {
                if (error as? CheckpointError)?.kind == .damaged { damagedSteps.insert(entry.step) }
                skipped.append((entry.path, "\(error)"))
            }
        }
        guard let found = try completeInterrupted(accepting: accepting) else {
            return Recovery(found: nil, skipped: skipped)
        }
        return Recovery(found: found, skipped: skipped.filter { $0.path != found.path })
    }

    /// Gives the newest checkpoint that lacks nothing but its marker that marker: a run that was killed right before the last
    /// act of saving its first checkpoint has nothing else to go on from.
    private func completeInterrupted(accepting: (TrainerState) -> String?) throws -> Checkpoint? {
        // What is wrong with the others has been noted.
        for entry in try stepDirectories().reversed() where (try? Checkpoint.lacksOnlyItsMarker(entry.path)) == true {
            guard let state = try? TrainerState(path: entry.path + "/" + CheckpointFiles.trainer),
                state.step == entry.step && accepting(state) == nil
            else { continue }
            let list = try FileDigest(ofFile: entry.path + "/" + CheckpointFiles.checksums)
            try Self.mark(entry.path, with: CheckpointFiles.marker(list))
            damagedSteps.remove(entry.step)
            return try Checkpoint(path: entry.path)
        }
        return nil
    }

    /// Saves a checkpoint, and then deletes the oldest beyond `keep`.
    ///
    /// A checkpoint of the same step is replaced once the new one is whole on the disk.
    /// - Parameters:
    ///   - expectedBytes: what the files will take, for refusing early where there is no room.
    ///   - write: adds the files, at least those of `addModel` and `addMoments`.
    /// - Returns: the path of the checkpoint.
    /// - Throws: what `write` throws, or `CheckpointError`; then nothing of the new checkpoint is left, and the earlier ones
    ///   are whole. Only an error that names the deletion of an old checkpoint comes after the new one is complete.
    public func save(
        _ state: TrainerState, expectedBytes: Int, write: (CheckpointWriter) throws -> Void
    ) throws -> String {
        try FileSystem.makeDirectories(directory)
        try removeLeftovers()
        try requireRoom(expectedBytes, step: state.step)
        let target = path(CheckpointNames.directory(step: state.step))
        let temporary = path(CheckpointNames.temporary(step: state.step, process: getpid()))
        var isRenamed = false
        do {
            try FileSystem.makeDirectory(temporary)
            let writer = CheckpointWriter(directory: temporary)
            try write(writer)
            let marker = try writer.seal(state)
            try CheckpointRemoval.makeWay(at: target)
            try FileSystem.rename(temporary, to: target)
            isRenamed = true
            try FileSystem.synchronize(directory)
            try Self.mark(target, with: marker)
        } catch {
            // Of two errors the first is the one to tell; what cannot be removed now goes at the next save.
            try? isRenamed ? CheckpointRemoval.remove(target) : CheckpointRemoval.removeTemporary(temporary)
            throw error
        }
        damagedSteps.remove(state.step)
        try prune(upTo: state.step)
        return target
    }

    private static func mark(_ checkpoint: String, with content: [UInt8]) throws {
        let marker = try OutputFile(checkpoint + "/" + CheckpointFiles.complete, expectedBytes: content.count)
        try marker.write(content.span.bytes)
        _ = try marker.finish()
        try FileSystem.synchronize(checkpoint)
    }

    private func requireRoom(_ bytes: Int, step: Int) throws {
        let free = try FileSystem.freeBytes(at: directory)
        guard free >= bytes else {
            throw CheckpointError(
                .diskFull,
                "no room for the checkpoint of step \(step) in \(directory): it needs \(byteText(bytes)), and "
                    + "\(byteText(free)) are free. Make room, or choose a directory on a larger file system; "
                    + "the earlier checkpoints are whole")
        }
    }

    /// Keeps the newest `keep` sound checkpoints up to the step just saved.
    ///
    /// Later ones (of a run that was taken up again from further back) are neither counted nor touched.
    private func prune(upTo step: Int) throws {
        let entries = try list().filter { $0.step <= step }
        let sound = entries.filter { !damagedSteps.contains($0.step) }
        let kept = sound.suffix(keep)
        for entry in entries where !kept.contains(entry) { try CheckpointRemoval.remove(entry.path) }
        try removeLeftovers()
    }

    /// Removes what killed runs left: temporary directories, and checkpoints without a valid marker that are older than the
    /// newest complete one. Whatever else lies in the directory stays.
    private func removeLeftovers() throws {
        for name in try FileSystem.names(in: directory) where CheckpointNames.isTemporary(name) {
            if FileSystem.isDirectory(path(name)) { try CheckpointRemoval.removeTemporary(path(name)) }
        }
        let complete = try list()
        guard let newest = complete.last else { return }
        for entry in try stepDirectories() where entry.step < newest.step && !complete.contains(entry) {
            if try CheckpointRemoval.isRemainder(entry.path) { try CheckpointRemoval.remove(entry.path) }
        }
    }

    /// Every directory with the name of a checkpoint, complete or not, oldest first.
    private func stepDirectories() throws -> [Entry] {
        guard FileSystem.exists(directory) else { return [] }
        return try FileSystem.names(in: directory).compactMap { name in
            guard let step = CheckpointNames.step(of: name), FileSystem.isDirectory(path(name)) else { return nil }
            return Entry(step: step, path: path(name))
        }.sorted { $0.step < $1.step }
    }

    private func path(_ name: String) -> String { directory + "/" + name }
}
