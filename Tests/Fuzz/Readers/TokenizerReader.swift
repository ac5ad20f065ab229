import Corpus
import Foundation

/// A SentencePiece model: loaded, used, and written out for transformers.
struct TokenizerReader: FileReader {
    private let path: String

    init(_ directory: String) throws { path = FuzzFile(in: directory).path }

    var seeds: [[UInt8]] {
        get throws {
            let text = String(repeating: "once upon a time there was a file of 12 bytes, and 34 more. ", count: 20)
            var trainer = try SentencePieceTrainer(vocabularySize: 290)
            trainer.add(text)
            let trained = Array(try trainer.train().files[0].content)
            return [trained, Self.handMade(kind: 2), Self.handMade(kind: 1, Self.characterMap)]
        }
    }

    func read(_ content: [UInt8]) throws {
        let tokenizer = try loadTokenizer(at: path)
        for text in ["", "once upon  a time 12\n", "a\u{0}é😀\u{FFFD}▁", String(repeating: "ab ", count: 40)] {
            let ids = try tokenizer.encodeDocument(text)
            precondition(
                ids.allSatisfy { 0 <= $0 && $0 < tokenizer.vocabularySize },
                "ids \(ids) of a vocabulary of \(tokenizer.vocabularySize)")
            _ = tokenizer.decode(ids + [-1, 0, 1, .max])
        }
        _ = (tokenizer.description, tokenizer.files)
    }

    // MARK: - Models of a few pieces

    /// A length-delimited field of a protocol buffer, below 16 and shorter than 2¹⁴ bytes.
    private static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        let length = count < 128 ? [UInt8(count)] : [UInt8(count & 127 | 128), UInt8(count >> 7)]
        return [number << 3 | 2] + length + content
    }

    /// Pieces, the trainer's settings and the normaliser's, as `sentencepiece_model.proto` has them.
    private static func handMade(kind: UInt8, _ characterMap: [UInt8] = []) -> [UInt8] {
        let pieces: [(text: String, kind: UInt8)] = [
            ("<unk>", 2), ("<s>", 3), ("</s>", 3), ("▁", 1), ("a", 1), ("b", 1), ("ab", 1), ("▁a", 1), ("<u>", 4),
        ]
        let model = pieces.enumerated().flatMap { index, piece in
            field(1, field(1, Array(piece.text.utf8)) + [0x15, 0, 0, UInt8(index), 0xc0, 0x18, piece.kind])
        }
        return model + field(2, [0x18, kind]) + field(3, characterMap.isEmpty ? [] : field(2, characterMap))
    }

    /// Rewrites "a" to "b": a trie of one step and its replacement.
    private static var characterMap: [UInt8] {
        var units = [UInt32](repeating: 0, count: 256)
        // From the root to the unit 97 (= "a"), which has a leaf at 97 ^ 1, whose value is the place of the text.
        units[0] = 0
        units[97] = 1 << 10 | 1 << 8 | 97
        units[96] = 1 << 31
        let words = [UInt32(4 * units.count)] + units
        return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } } + [98, 0]
    }
}
