import FileSafety
import Foundation

let tokenizerConfigurationName = "tokenizer_config.json"
let tokenizerJSONName = "tokenizer.json"

/// The tokenizer that a name on the command line or in a configuration means: `bytes`, a SentencePiece `.model` file,
/// or a directory (of a dataset or a checkpoint) that holds one.
/// - Throws: `CorpusError` when there is none, or it is damaged.
public func loadTokenizer(at path: String) throws -> any Tokenizer {
    if path == ByteTokenizer.name { return ByteTokenizer() }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
        throw CorpusError.usage("there is no tokenizer \(path): name a SentencePiece .model file, or `bytes`")
    }
    return isDirectory.boolValue ? try loadTokenizer(inDirectory: path) : try SentencePieceTokenizer(path: path)
}

/// The tokenizer whose files lie in the directory of a dataset or a checkpoint.
/// - Throws: `CorpusError` when there is none, or it is damaged.
public func loadTokenizer(inDirectory directory: String) throws -> any Tokenizer {
    let model = directory + "/" + SentencePieceTokenizer.modelFileName
    if FileManager.default.fileExists(atPath: model) { return try SentencePieceTokenizer(path: model) }

    if let content = try? WholeFile.read(directory + "/" + tokenizerConfigurationName, atMost: 64 << 20),
        let mark = try? UntrustedJSON.decode(TokenizerMark.self, from: content), mark.name == ByteTokenizer.name
    {
        return ByteTokenizer()
    }
    let foreign = FileManager.default.fileExists(atPath: directory + "/" + tokenizerJSONName)
    throw CorpusError.usage(
        foreign
            ? "\(directory) holds a \(tokenizerJSONName), but only SentencePiece models and `bytes` can be read: put the model's tokenizer.model beside it"
            : "\(directory) holds no tokenizer: expected tokenizer.model, or the \(tokenizerConfigurationName) of the byte tokenizer"
    )
}

private struct TokenizerMark: Decodable {
    let name: String?

    private enum CodingKeys: String, CodingKey {
        case name = "jreg_dist_tokenizer"
    }
}
