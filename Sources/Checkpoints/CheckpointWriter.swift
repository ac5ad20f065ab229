import FileSafety
import Foundation

/// Fills the directory of one checkpoint, each file flushed to the disk and hashed as it is written.
///
/// Made by `CheckpointStore.save`, and of use only while that runs.
public final class CheckpointWriter {
    private let directory: String
    private var digests: [String: FileDigest] = [:]

    init(directory: String) { self.directory = directory }

    /// Adds a file with this content.
    ///
    /// - Throws: `CheckpointError` when the name is taken or no plain file name, or the file cannot be written.
    public func add(_ name: String, bytes: [UInt8]) throws {
        try check(name)
        try write(name, bytes)
    }

    /// Adds a file of JSON text.
    public func add(_ name: String, json: JSONValue) throws {
        try add(name, bytes: Array((json.text + "\n").utf8))
    }

    /// Adds a copy of a file from elsewhere, such as the tokenizer.
    public func add(_ name: String, copyOf source: String) throws {
        try check(name)
        let input = try InputFile(source)
        let output = try OutputFile(path(name), expectedBytes: input.size)
        for start in stride(from: 0, to: input.size, by: 4 << 20) {
            let chunk = try input.bytes(min(4 << 20, input.size - start), at: start)
            try output.write(chunk.span.bytes)
        }
        digests[name] = try output.finish()
    }

    /// Adds a safetensors file of 32-bit floats, which `body` streams in the order of `tensors`.
    public func add(
        _ name: String, tensors: [(name: String, shape: [Int])], body: (SafetensorsWriter) throws -> Void
    ) throws {
        try check(name)
        let writer = try SafetensorsWriter(path(name), tensors: tensors)
        try body(writer)
        digests[name] = try writer.finish()
    }

    /// Adds the state of the run and the checksums of everything, and brings the directory itself to the disk.
    ///
    /// - Returns: the content of the marker that belongs to these files.
    func seal(_ state: TrainerState) throws -> [UInt8] {
        try write(CheckpointFiles.trainer, Self.encoded(state))
        let missing = CheckpointFiles.required.filter { digests[$0] == nil }
        guard missing.isEmpty else {
            throw CheckpointError(.misuse, "the checkpoint in \(directory) lacks \(missing.joined(separator: ", "))")
        }
        let checksums = CheckpointFiles.Checksums(files: digests)
        try write(CheckpointFiles.checksums, Self.encoded(checksums))
        try FileSystem.synchronize(directory)
        return CheckpointFiles.marker(digests[CheckpointFiles.checksums]!)
    }

    private func path(_ name: String) -> String { directory + "/" + name }

    private func check(_ name: String) throws {
        let reserved = [CheckpointFiles.trainer, CheckpointFiles.checksums, CheckpointFiles.complete]
        guard isPlainFileName(name), !reserved.contains(name), digests[name] == nil else {
            throw CheckpointError(
                .misuse, "a checkpoint cannot take a file named \"\(name)\": it is taken, or no plain file name")
        }
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = try OutputFile(path(name), expectedBytes: bytes.count)
        try file.write(bytes.span.bytes)
        digests[name] = try file.finish()
    }

    /// Sorted keys: the same state always gives the same bytes.
    private static func encoded(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
