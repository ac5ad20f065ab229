import FileSafety
import Foundation
import Kernels
import LlamaModel

/// A checkpoint on disk: the directory and the state of the run that wrote it.
public struct Checkpoint: Sendable {
    public let path: String
    public let state: TrainerState

    /// Opens a checkpoint without reading its large files, as the ranks do that rank 0 told which one to take.
    ///
    /// - Throws: `CheckpointError` when it is not complete, or its `trainer.json` is damaged or too new.
    public init(path: String) throws {
        _ = try Self.checksums(path)
        self.path = path
        state = try TrainerState(path: path + "/" + CheckpointFiles.trainer)
    }

    /// Opens a checkpoint after reading every byte of it.
    ///
    /// - Throws: `CheckpointError` when any of its files is missing, or is not what was written.
    public init(verifying path: String) throws {
        try Self.verify(path)
        try self.init(path: path)
    }

    /// Checks the marker, and the size and hash of every file.
    public static func verify(_ path: String) throws {
        try verify(path, files: checksums(path))
    }

    /// Whether every file is as it was written, and the marker is yet to come.
    static func lacksOnlyItsMarker(_ path: String) throws -> Bool {
        let (marker, list) = (path + "/" + CheckpointFiles.complete, path + "/" + CheckpointFiles.checksums)
        let isMarked = try FileSystem.exists(marker) && InputFile(marker).size > 0
        guard !isMarked && FileSystem.exists(list) else { return false }
        do {
            try verify(path, files: files(listedIn: list))
            return true
        } catch let error as CheckpointError where error.kind == .damaged {
            return false
        }
    }

    private static func verify(_ path: String, files listed: [String: FileDigest]) throws {
        let missing = CheckpointFiles.required.filter { listed[$0] == nil }
        guard missing.isEmpty else {
            throw CheckpointError(.damaged, "\(path) does not list \(missing.joined(separator: ", "))")
        }
        for (name, wanted) in listed.sorted(by: { $0.value.bytes < $1.value.bytes }) {
            try compare(path + "/" + name, with: wanted)
        }
    }

    /// Holds size and hash of a file against those that were written.
    static func compare(_ file: String, with wanted: FileDigest) throws {
        guard FileSystem.exists(file) else {
            throw CheckpointError(.damaged, "\(file) is missing, though the checkpoint was complete once")
        }
        let size = try InputFile(file, followsLink: false).size
        guard size == wanted.bytes else {
            throw CheckpointError(.damaged, "\(file) has \(size) bytes, but \(wanted.bytes) were written")
        }
        let found = try FileDigest(ofFile: file)
        guard found == wanted else {
            throw CheckpointError(
                .damaged, "\(file) was changed: its XXH3 hash is \(found.xxh3), but \(wanted.xxh3) was written")
        }
    }

    /// Reads weights; `elements` and `parameters` as for `HuggingFaceCheckpoint.readWeights`.
    public func readWeights(_ layout: ParameterLayout, elements: Range<Int>? = nil, into parameters: FloatSlice) throws
    {
        try HuggingFaceCheckpoint(directory: path).readWeights(layout, elements: elements, into: parameters)
    }

    /// Reads one moment of AdamW, or the part of it for `elements` of the arena, as long as `target` is.
    ///
    /// - Throws: `CheckpointError` when it is not that of a model with this layout.
    public func readMoment(
        _ moment: CheckpointMoment, _ layout: ParameterLayout, elements: Range<Int>? = nil, into target: FloatSlice
    ) throws {
        let file = try SafetensorsFile(path + "/" + CheckpointFiles.optimizer)
        let problems = file.mismatches(moment, layout)
        guard problems.isEmpty else {
            throw CheckpointError(.unsupported, "\(file.path) does not fit the model", listing: problems)
        }
        try layout.forEachPart(of: elements ?? 0..<layout.count) { tensor, part, place in
            try file.read(moment.prefix + tensor.name, elements: part, into: target[place])
        }
    }

    /// The directories below `path` that have the name of a checkpoint, complete or not, oldest first.
    public static func directories(in path: String) throws -> [String] {
        try FileSystem.names(in: path).compactMap { name in CheckpointNames.step(of: name).map { ($0, name) } }
            .sorted { $0.0 < $1.0 }.map { path + "/" + $0.1 }.filter(FileSystem.isDirectory)
    }

    /// Whether the marker is there and right. A system that cannot tell is an error: no checkpoint is deleted for it.
    static func isComplete(_ path: String) throws -> Bool {
        do {
            _ = try checksums(path)
            return true
        } catch let error as CheckpointError where error.kind == .damaged {
            return false
        }
    }

    /// The list of files, believed only if the marker vouches for it.
    static func checksums(_ path: String) throws -> [String: FileDigest] {
        let markerPath = path + "/" + CheckpointFiles.complete
        let listPath = path + "/" + CheckpointFiles.checksums
        guard FileSystem.exists(markerPath) else {
            let reason = FileSystem.exists(path) ? "it was being written or deleted when its run ended" : "no such path"
            throw CheckpointError(.damaged, "\(path) has no marker \(CheckpointFiles.complete): \(reason)")
        }
        let marker = try InputFile(markerPath, followsLink: false).contents(atMost: 1 << 10)
        guard FileSystem.exists(listPath), try marker == CheckpointFiles.marker(FileDigest(ofFile: listPath)) else {
            throw CheckpointError(
                .damaged,
                "\(listPath) is missing, or it or \(CheckpointFiles.complete) was changed: their hashes differ")
        }
        return try files(listedIn: listPath)
    }

    /// What `checksums.json` lists, whether or not the marker is there.
    static func files(listedIn path: String) throws -> [String: FileDigest] {
        let bytes = try InputFile(path, followsLink: false).contents(atMost: JSONValue.largestFile)
        do {
            let files = try UntrustedJSON.decode(CheckpointFiles.Checksums.self, from: Data(bytes)).files
            if let name = files.keys.first(where: { !isPlainFileName($0) }) {
                throw CheckpointError(.damaged, "\(path) lists \"\(name)\", which is no plain file name")
            }
            return files
        } catch let error as DecodingError {
            throw CheckpointError(.damaged, "\(path) is no list of files: \(JSONValue.reason(error))")
        }
    }
}

extension SafetensorsFile {
    /// In what the stored tensors of a moment differ from those of `layout`.
    func mismatches(_ moment: CheckpointMoment, _ layout: ParameterLayout) -> [String] {
        layout.tensors.compactMap { tensor in
            let name = moment.prefix + tensor.name
            return tensor.mismatch(with: tensors[name], named: name)
        }
    }
}

/// Which of AdamW's two moments.
public enum CheckpointMoment: Sendable, CaseIterable {
    case first, second

    var prefix: String { self == .first ? CheckpointFiles.firstMoment : CheckpointFiles.secondMoment }
}
