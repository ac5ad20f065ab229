import Checkpoints
import Corpus
import Foundation

/// What `verify` finds in a directory, file by file.
public struct VerifyReport: Encodable, Sendable {
    public let directory: String
    public let kind: Kind
    public let files: [FileFinding]

    public enum Kind: String, Encodable, Sendable {
        case checkpoint, run, dataset, model
    }

    /// - Throws: `TrainingError` when there is no such directory, or it is none of these.
    public init(directory: String) throws {
        self.directory = directory
        kind = try Self.kind(of: directory)
        switch kind {
        case .checkpoint: files = Self.checkpoint(directory)
        case .run: files = try Checkpoint.directories(in: directory).flatMap(Self.checkpoint)
        case .dataset:
            files = DatasetDescription.inspect(directory).map { file in
                FileFinding(checking: file.path) { file.problem }
            }
        case .model: files = HuggingFaceCheckpoint.inspect(directory) + Self.tokenizer(directory)
        }
    }

    public var isSound: Bool { files.allSatisfy { $0.problem == nil } }

    private static func kind(of directory: String) throws -> Kind {
        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: directory + "/" + name) }
        if has("dataset.json") { return .dataset }
        if has("COMPLETE") || has("checksums.json") || has("trainer.json") { return .checkpoint }
        if has("config.json") || has("model.safetensors") || has("model.safetensors.index.json") { return .model }
        guard has("") else { throw TrainingError(.data, "there is no directory \(directory)") }
        if try !Checkpoint.directories(in: directory).isEmpty { return .run }
        throw TrainingError(
            .data,
            "\(directory) holds no checkpoint (such as step-00000100), no dataset.json and no model (config.json): name a "
                + "checkpoint, the output directory of a run, a directory that `jreg-dist prepare` made, or a Hugging Face "
                + "model")
    }

    private static func checkpoint(_ path: String) -> [FileFinding] {
        // The tokenizer's files too were compared by their hashes; here they are also read.
        let read = tokenizer(path)
        return Checkpoint.inspect(path).map { file in
            file.problem == nil ? read.first { $0.path == file.path } ?? file : file
        }
    }

    /// The tokenizer of a model, where it has one of a kind that this program reads.
    private static func tokenizer(_ directory: String) -> [FileFinding] {
        let path = directory + "/tokenizer.model"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return [
            FileFinding(checking: path) {
                let tokenizer = try loadTokenizer(inDirectory: directory)
                let config = try? HuggingFaceConfig(path: directory + "/config.json")
                guard let limit = config?.model.vocabSize, tokenizer.vocabularySize > limit else { return nil }
                return "it has \(tokenizer.vocabularySize) ids, but vocab_size in config.json is only \(limit)"
            }
        ]
    }

    // MARK: - Text

    /// A line for each file, and the sum of them.
    public var text: String {
        let lines = files.map { file in
            file.problem.map { $0.contains(file.path) ? "WRONG  \($0)" : "WRONG  \(file.path): \($0)" }
                ?? "OK     \(file.path)" + (file.bytes.map { " (\(byteText($0)))" } ?? "")
        }
        let wrong = files.count { $0.problem != nil }
        return
            (lines + [wrong == 0 ? "all \(files.count) files are sound" : "\(wrong) of \(files.count) files are wrong"])
            .joined(separator: "\n")
    }

    public var json: String {
        JSONEncoder.lines().text(self)
    }

    enum CodingKeys: String, CodingKey {
        case directory, kind, files
        case isSound = "ok"
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(directory, forKey: .directory)
        try container.encode(kind, forKey: .kind)
        try container.encode(isSound, forKey: .isSound)
        try container.encode(files, forKey: .files)
    }
}
