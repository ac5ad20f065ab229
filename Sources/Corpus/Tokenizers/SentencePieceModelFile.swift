import Foundation

/// What a `.model` file says beyond the library's public interface, read from the protocol buffer itself.
///
/// The library takes a file cut off between two pieces for a smaller model with default settings, and would then give
/// other ids without a word. So the parts that a whole model has are looked for here.
/// Source: `sentencepiece_model.proto` of google/sentencepiece.
struct SentencePieceModelFile: Sendable {
    enum Kind: String {
        case unigram, bpe, word, char
    }

    struct Piece {
        let text: String
        /// The higher, the earlier a merge to this piece.
        let score: Float
        let kind: PieceKind
    }

    enum PieceKind: UInt64 {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    let content: Data
    let kind: Kind
    /// Whether a space is put before every text.
    let addsDummyPrefix: Bool
    /// Whether text is rewritten (Unicode normalisation, runs of spaces) before it is split.
    let normalizes: Bool
    /// Whether characters without a piece become bytes, not the unknown id.
    let fallsBackToBytes: Bool

    /// Bytes of a file; the largest vocabularies take a few million.
    static let largest = 64 << 20
    /// Bytes of a piece. Runs of spaces are the longest that there are, below a hundred.
    private static let longestPiece = 1024

    /// - Parameter name: what errors call the file.
    init(content: Data, name: String) throws(CorpusError) {
        guard let model = ProtocolBufferFields(Array(content)[...]) else {
            let kind = ContentKind.foreign(Array(content.prefix(16))).map { " (it looks like \($0.name))" } ?? ""
            throw .data(
                "\(name) is damaged or no SentencePiece model\(kind): wanted a .model file such as Llama 2's tokenizer.model"
            )
        }
        guard model.bytes(ModelField.pieces) != nil, let trainer = model.message(ModelField.trainer),
            let normalizer = model.message(ModelField.normalizer)
        else {
            throw .data(
                "\(name) is no whole SentencePiece model: its vocabulary or settings are missing. Was it copied in full?"
            )
        }
        switch trainer.number(TrainerField.kind) ?? 1 {
        case 1: kind = .unigram
        case 2: kind = .bpe
        case 3: kind = .word
        case 4: kind = .char
        case let number: throw .data("\(name) is damaged: it names the model type \(number), wanted 1 to 4")
        }
        guard model.allBytes(ModelField.pieces).allSatisfy(Self.isSound),
            let maps = Self.characterMaps(of: model), maps.allSatisfy(\.isSound)
        else {
            throw .data(
                "\(name) is damaged: a piece has no score or more than \(Self.longestPiece) bytes, or the table for rewriting "
                    + "characters leads out of itself")
        }
        self.content = content
        addsDummyPrefix = normalizer.number(NormalizerField.addsDummyPrefix) != 0
        normalizes =
            normalizer.bytes(NormalizerField.characterMap)?.isEmpty == false
            || normalizer.number(NormalizerField.removesExtraSpaces) != 0
            || trainer.number(TrainerField.spaceIsSuffix) ?? 0 != 0
        fallsBackToBytes = trainer.number(TrainerField.fallsBackToBytes) ?? 0 != 0
    }

    /// All that the library might take: of a message that is given twice it takes what each of them has. `nil`: one of them
    /// cannot be read.
    private static func characterMaps(of model: ProtocolBufferFields) -> [CharacterMap]? {
        let contents = model.allBytes(ModelField.normalizer) + model.allBytes(ModelField.denormalizer)
        let messages = contents.compactMap { ProtocolBufferFields($0) }
        guard messages.count == contents.count else { return nil }
        return messages.flatMap { $0.allBytes(NormalizerField.characterMap) }.map(CharacterMap.init)
    }

    private static func isSound(_ piece: ArraySlice<UInt8>) -> Bool {
        guard let fields = ProtocolBufferFields(piece) else { return false }
        return (fields.bytes(PieceField.text)?.count ?? 0) <= longestPiece
            && (fields.float(PieceField.score) ?? 0).isFinite
    }

    /// The vocabulary in the order of the ids.
    var pieces: [Piece] {
        let model = ProtocolBufferFields(Array(content)[...])
        return (model?.allBytes(ModelField.pieces) ?? []).map { bytes in
            let piece = ProtocolBufferFields(bytes)
            return Piece(
                text: String(decoding: piece?.bytes(PieceField.text) ?? [], as: UTF8.self),
                score: piece?.float(PieceField.score) ?? 0,
                kind: piece?.number(PieceField.kind).flatMap(PieceKind.init) ?? .normal)
        }
    }

    private enum ModelField {
        static let pieces: UInt64 = 1
        static let trainer: UInt64 = 2
        static let normalizer: UInt64 = 3
        static let denormalizer: UInt64 = 5
    }
    private enum PieceField {
        static let text: UInt64 = 1
        static let score: UInt64 = 2
        static let kind: UInt64 = 3
    }
    private enum TrainerField {
        static let kind: UInt64 = 3
        static let spaceIsSuffix: UInt64 = 24
        static let fallsBackToBytes: UInt64 = 35
    }
    private enum NormalizerField {
        static let characterMap: UInt64 = 2
        static let addsDummyPrefix: UInt64 = 3
        static let removesExtraSpaces: UInt64 = 4
    }
}
