import CSentencePiece
import Foundation

/// A SentencePiece model: the ids that Debian's libsentencepiece gives.
public final class SentencePieceTokenizer: Tokenizer, @unchecked Sendable {
    // The library's processor is immutable once loaded, and its encode and decode are const: any thread may call them.
    private let model: OpaquePointer
    let modelFile: SentencePieceModelFile

    public let vocabularySize: Int
    public let beginOfText: Int32?
    public let endOfText: Int32?
    private let unknown: Int32

    /// - Throws: `CorpusError` for a file that cannot be read or is no whole SentencePiece model.
    public convenience init(path: String) throws {
        try self.init(content: WholeFile.read(path, atMost: SentencePieceModelFile.largest), name: path)
    }

    /// - Parameter name: what errors call the model: its path.
    public init(content: Data, name: String) throws {
        modelFile = try SentencePieceModelFile(content: content, name: name)
        var error = ErrorText()
        guard let model = CSentencePieceModel_load(Array(content), content.count, &error.buffer, error.buffer.count)
        else {
            throw CorpusError.data("\(name) is damaged or no SentencePiece model: \(error.text)")
        }
        self.model = model
        vocabularySize = Int(CSentencePieceModel_pieceCount(model))
        unknown = CSentencePieceModel_unknownID(model)
        beginOfText = CSentencePieceModel_beginID(model).nonNegative
        endOfText = CSentencePieceModel_endID(model).nonNegative
    }

    deinit { CSentencePieceModel_free(model) }

    public var description: String {
        let special = [("begin", beginOfText), ("end", endOfText)].compactMap { name, id in id.map { "\(name) \($0)" } }
        let ids = special.isEmpty ? "no special ids" : special.joined(separator: ", ")
        return "SentencePiece \(modelFile.kind.rawValue) (\(vocabularySize) ids, \(ids))"
    }

    public func encode(_ text: String) throws -> [Int32] {
        let utf8 = text.utf8.map { CChar(bitPattern: $0) }
        var tokens = [Int32](repeating: 0, count: utf8.count + 16)
        var error = ErrorText()
        // A normalisation that lengthens the text may need a second call.
        while true {
            let count = CSentencePieceModel_encode(
                model, utf8, utf8.count, &tokens, tokens.count, &error.buffer, error.buffer.count)
            guard count >= 0 else { throw CorpusError.data("SentencePiece cannot encode a text: \(error.text)") }
            if count <= tokens.count { return Array(tokens.prefix(count)) }
            tokens = [Int32](repeating: 0, count: count)
        }
    }

    public func decode(_ tokens: [Int32]) -> String {
        // The library refuses ids outside the vocabulary; its unknown piece shows them as " ⁇ ".
        let known = tokens.map { 0 <= $0 && $0 < vocabularySize ? $0 : unknown }
        var text = [CChar](repeating: 0, count: 16 * known.count + 16)
        var error = ErrorText()
        while true {
            let count = CSentencePieceModel_decode(
                model, known, known.count, &text, text.count, &error.buffer, error.buffer.count)
            guard count >= 0 else { return "\u{fffd}" }
            if count <= text.count {
                return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            text = [CChar](repeating: 0, count: count)
        }
    }
}

/// Room for the sentence in which the C side says what failed.
struct ErrorText {
    var buffer = [CChar](repeating: 0, count: 1024)

    var text: String {
        let message = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if message.isEmpty { return "no reason given" }
        // The library puts "Internal: file.cc(line) [condition] " before its sentence, if it has one.
        let sentence = message.components(separatedBy: "] ").last ?? message
        return String((sentence.isEmpty ? message : sentence).trimmingSuffix(while: ". "))
    }
}

extension Int32 {
    fileprivate var nonNegative: Int32? { self < 0 ? nil : self }
}

extension StringProtocol {
    fileprivate func trimmingSuffix(while characters: String) -> SubSequence {
        self[..<(lastIndex { !characters.contains($0) }.map { index(after: $0) } ?? startIndex)]
    }
}
