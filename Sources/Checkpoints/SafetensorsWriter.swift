import Kernels

/// Writes a safetensors file of 32-bit floats from one stream, whatever pieces it comes in.
///
/// ```swift
/// let writer = try SafetensorsWriter("model.safetensors", tensors: [("a", [2, 3]), ("b", [4])])
/// try writer.append(allTenFloats)
/// let digest = try writer.finish()
/// ```
public final class SafetensorsWriter {
    private let file: OutputFile
    /// The floats that the tensors hold together.
    public let count: Int
    /// The floats appended so far.
    public private(set) var appended = 0

    /// Begins the file with its header.
    ///
    /// - Parameters:
    ///   - tensors: names and shapes, in the order in which the floats will come.
    ///   - metadata: joined to `format: pt`, without which transformers refuses the file.
    /// - Throws: `CheckpointError` when the file cannot be written.
    public init(
        _ path: String, tensors: [(name: String, shape: [Int])], metadata: [String: String] = [:]
    ) throws {
        let header = Self.header(tensors, metadata)
        count = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        file = try OutputFile(path, expectedBytes: header.count + 4 * count)
        try file.write(header.span.bytes)
    }

    /// Appends floats. They may begin and end anywhere in a tensor, and span several.
    ///
    /// - Throws: `CheckpointError` when the file cannot be written, or the tensors are full.
    public func append(_ floats: FloatSlice) throws {
        try floats.withUnsafeMutableBytes { try append($0.bytes) }
    }

    /// Appends floats that lie in an array.
    public func append(_ floats: [Float]) throws { try append(floats.span.bytes) }

    private func append(_ bytes: RawSpan) throws {
        let more = bytes.byteCount / 4
        guard more <= count - appended else {
            throw CheckpointError(
                .misuse, "\(file.path) takes \(count) floats: \(more) more do not fit after \(appended)")
        }
        try file.write(bytes)
        appended += more
    }

    /// Brings the file to the disk and closes it.
    ///
    /// - Throws: `CheckpointError` when floats are missing or the disk refuses.
    public func finish() throws -> FileDigest {
        guard appended == count else {
            throw CheckpointError(.misuse, "\(file.path) was given \(appended) floats, but its tensors hold \(count)")
        }
        return try file.finish()
    }

    /// The size of the file that these arguments lead to, in bytes.
    public static func byteCount(tensors: [(name: String, shape: [Int])], metadata: [String: String] = [:]) -> Int {
        tensors.reduce(header(tensors, metadata).count) { $0 + 4 * $1.shape.reduce(1, *) }
    }

    /// Length and JSON, padded with spaces to a multiple of eight bytes, so that a mapped file is aligned.
    private static func header(_ tensors: [(name: String, shape: [Int])], _ metadata: [String: String]) -> [UInt8] {
        let notes = metadata.merging(["format": "pt"]) { given, _ in given }.sorted { $0.key < $1.key }
        var entries = [
            "\"__metadata__\":{"
                + notes.map { JSONValue.quoted($0) + ":" + JSONValue.quoted($1) }.joined(separator: ",") + "}"
        ]
        var begin = 0
        for (name, shape) in tensors {
            let end = begin + 4 * shape.reduce(1, *)
            let dimensions = shape.map(String.init).joined(separator: ",")
            entries.append(
                "\(JSONValue.quoted(name)):{\"dtype\":\"F32\",\"shape\":[\(dimensions)],\"data_offsets\":[\(begin),\(end)]}"
            )
            begin = end
        }
        var json = Array("{\(entries.joined(separator: ","))}".utf8)
        json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json
    }
}
