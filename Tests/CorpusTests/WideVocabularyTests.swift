import Corpus
import Foundation
import Testing

/// Vocabularies on both sides of 65 536 ids, where a shard's ids become 32 bits wide.
@Suite struct WideVocabularyTests {
    /// A trained model of 400 pieces with single characters appended as further pieces: in a protocol buffer, repeated
    /// fields may follow anywhere.
    func model(vocabularySize: Int) -> [UInt8] {
        SentencePieceTests.model
            + (0..<vocabularySize - 400).flatMap { index -> [UInt8] in
                let text = Array(String(Self.character(index)).utf8)
                // Field 1 of the model: a message of field 1 (text) and field 2 (score, a Float).
                let piece = [0x0a, UInt8(text.count)] + text + [0x15, 0, 0, 0x80, 0xc7]
                return [0x0a, UInt8(piece.count)] + piece
            }
    }

    /// Private-use characters: none of them is in the trained model.
    static func character(_ index: Int) -> UnicodeScalar { UnicodeScalar(UInt32(0xF_0000 + index))! }

    @Test(arguments: [(65_536, UInt32(20_240_520)), (65_537, 20_240_801)])
    func theShardsWidthFollowsTheVocabulary(vocabularySize: Int, magic: UInt32) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(model(vocabularySize: vocabularySize), to: "wide.model")
        let last = Self.character(vocabularySize - 401)
        let input = try directory.write("kato \(last) mire\nso \(last)\n", to: "in.txt")
        var preparation = CorpusPreparation(inputs: [input], output: directory.path + "/out", tokenizer: .file(path))
        preparation.validationFraction = 0
        let outcome = try preparation.run()
        #expect(outcome.dataset.vocabularySize == vocabularySize)

        let bytes = try directory.bytes("out/train_000000.bin")
        #expect((0..<4).map { bytes[$0] } == (0..<4).map { UInt8(truncatingIfNeeded: magic >> (8 * $0)) })
        #expect(bytes.count == 1024 + outcome.dataset.train.tokens * (vocabularySize > 65_536 ? 4 : 2))
        let data = try TokenDataset(
            paths: [directory.path + "/out"], split: .train, sequenceLength: outcome.dataset.train.tokens - 1,
            vocabularySize: vocabularySize)
        #expect(data.window(0).count { $0 == Int32(vocabularySize - 1) } == 2)
        #expect(outcome.tokenizer.decode(data.window(0)) == "kato \(last) mire\nso \(last)\n")
    }
}
