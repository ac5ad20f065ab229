import Checkpoints
import Foundation
import Training

/// `trainer.json` and the configuration in it, as a resume reads them.
struct TrainerReader: FileReader {
    private let checkpoint: TinyCheckpoint
    let seeds: [[UInt8]]

    init(_ directory: String) throws {
        checkpoint = try TinyCheckpoint(in: directory)
        seeds = [try bytes(checkpoint.file("trainer.json"))]
        try FuzzFile(in: directory).link(as: checkpoint.file("trainer.json"))
    }

    func read(_ content: [UInt8]) throws {
        let state = try Checkpoint(path: checkpoint.path).state
        _ = try RunConfig(json: state.config.text)
    }
}

/// `checksums.json`, whose names and sizes are believed because the marker has its hash.
struct ChecksumsReader: FileReader {
    private let directory: String
    private let checkpoint: TinyCheckpoint
    let seeds: [[UInt8]]

    init(_ directory: String) throws {
        self.directory = directory
        checkpoint = try TinyCheckpoint(in: directory)
        seeds = [try bytes(checkpoint.file("checksums.json"))]
        try FuzzFile(in: directory).link(as: checkpoint.file("checksums.json"))
    }

    func read(_ content: [UInt8]) throws {
        let hash = try FileDigest(ofFile: checkpoint.file("checksums.json")).xxh3
        try Data((hash + "\n").utf8).write(to: URL(filePath: checkpoint.file("COMPLETE")))
        for finding in Checkpoint.inspect(checkpoint.path) { _ = finding.problem }
        _ = try CheckpointStore(directory: directory, keep: 2).newestUsable()
        _ = try Checkpoint(verifying: checkpoint.path)
    }
}

/// `run.lock` while another process holds it: who that is, is told to whoever is refused.
final class LockReader: FileReader {
    private let directory: String
    private let held: Int32
    private static let start = Array("process ".utf8)

    init(_ directory: String) throws {
        self.directory = directory
        try FuzzFile(in: directory).link(as: directory + "/run.lock")
        held = open(directory + "/run.lock", O_RDWR | O_CLOEXEC)
        precondition(held >= 0 && flock(held, LOCK_EX | LOCK_NB) == 0)
    }

    deinit { close(held) }

    var seeds: [[UInt8]] { [Self.start + Array("17 on host, since 2026-01-01T00:00:00Z".utf8)] }

    func read(_ content: [UInt8]) throws {
        // For one that begins otherwise the lock waits a while: whoever holds it may just be about to write.
        if !content.starts(with: Self.start) { FuzzFile(in: directory).write(Self.start + content) }
        _ = try RunLock(directory: directory)
    }
}
