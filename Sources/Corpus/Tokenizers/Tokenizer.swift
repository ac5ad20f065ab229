import Foundation

/// Turns text into token ids and back. Ids are 0 ..< `vocabularySize`.
///
/// `encode` never returns the special ids below, whatever the text says: only ``encodeDocument(_:)`` places them.
public protocol Tokenizer: Sendable {
    /// One line for people: the kind, the size, the special ids.
    var description: String { get }
    var vocabularySize: Int { get }
    /// Stands before every document, and before a prompt.
    var beginOfText: Int32? { get }
    /// Ends a document; generation stops at it. May be the same id as `beginOfText`.
    var endOfText: Int32? { get }

    /// - Throws: `CorpusError` when the tokenizer's library refuses the text.
    func encode(_ text: String) throws -> [Int32]
    /// The text of ids. Special ids have none; ids outside the vocabulary and broken UTF-8 show as replacement characters.
    func decode(_ tokens: [Int32]) -> String

    /// What has to lie beside a dataset or a checkpoint so that ``loadTokenizer(inDirectory:)`` and
    /// `transformers.AutoTokenizer` find this tokenizer again.
    var files: [TokenizerFile] { get }
}

/// A file by its bare name and its content.
public struct TokenizerFile: Sendable, Equatable {
    public let name: String
    public let content: Data
}

extension Tokenizer {
    /// The id that opens every document in a token shard; `nil` for a tokenizer without special ids.
    ///
    /// A tokenizer that only has an end-of-text id has it before each document, as llm.c's shards do: there it ends the
    /// document before and opens the next one.
    public var separator: Int32? { beginOfText ?? endOfText }

    /// A document as it stands in a token shard: the separator, the text, and end-of-text when that is another id.
    public func encodeDocument(_ text: String) throws -> [Int32] {
        var tokens: [Int32] = []
        if let separator { tokens.append(separator) }
        tokens += try encode(text)
        if let endOfText, endOfText != separator { tokens.append(endOfText) }
        return tokens
    }

    /// Writes ``files`` into a directory, each atomically.
    public func write(toDirectory directory: String) throws {
        for file in files { try DurableFile.write(file.content, to: directory + "/" + file.name) }
    }
}
