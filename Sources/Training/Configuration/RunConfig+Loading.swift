import Checkpoints
import FileSafety
import Foundation
import LlamaModel

extension RunConfig {
    /// The configuration of `file` (`nil`: the quickstart), changed by `overrides` such as `batch.lanes=16`.
    ///
    /// - Parameter resolveModel: reads the shape from the checkpoint directory that `model.init_from` names.
    /// - Throws: every fault of the file, of the overrides and between keys at once.
    public static func load(
        file: String?, overrides: [String] = [],
        resolveModel: (String) throws -> LlamaConfig = { try HuggingFaceConfig(path: $0 + "/config.json").model }
    ) throws(ConfigErrors) -> RunConfig {
        try load(
            yaml: file.map { path throws(ConfigErrors) in try text(ofFile: path) } ?? "",
            named: file ?? "quickstart", overrides: overrides, resolveModel: resolveModel)
    }

    /// The same of a text; `name` is what messages call it.
    public static func load(
        yaml: String, named name: String, overrides: [String] = [], resolveModel: (String) throws -> LlamaConfig
    ) throws(ConfigErrors) -> RunConfig {
        try withoutActuallyEscaping(resolveModel) { resolveModel throws(ConfigErrors) in
            var reader = ConfigReader()
            reader.read(yaml: yaml, named: name)
            for (index, assignment) in overrides.enumerated() { reader.override(assignment, index: index) }
            return try reader.finish(.checkpoint(resolveModel))
        }
    }

    /// The configuration that `json` was made of. JSON is YAML, so the same reader checks it.
    public init(json: String, named name: String = "trainer.json") throws(ConfigErrors) {
        var reader = ConfigReader()
        reader.read(yaml: json, named: name)
        self = try reader.finish(.stored)
    }

    private static let largestFile = 1 << 20

    private static func text(ofFile path: String) throws(ConfigErrors) -> String {
        func refusal(_ message: String) -> ConfigErrors {
            ConfigErrors(problems: [ConfigProblem(location: .wholeFile(path), message: message)])
        }
        let data: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            data = try file.read(upToCount: largestFile + 1) ?? Data()
        } catch {
            switch error.fileErrorNumber {
            case ENOENT: throw refusal("does not exist; check the path")
            case EISDIR: throw refusal("is a directory; name the YAML file in it")
            default: throw refusal("cannot be read: \(error.fileReason)")
            }
        }
        guard data.count <= largestFile else {
            throw refusal(
                "has more than \(largestFile) bytes, but a configuration is a short text; is it another file?")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw refusal("is not UTF-8 text, but a configuration must be; is it another file?")
        }
        return text
    }
}
