import Corpus
import Foundation
import Testing

@Suite struct HuggingFaceFilesTests {
    func object(_ name: String) throws -> [String: Any] {
        let file = try #require(SentencePieceTests.tokenizer.files.first { $0.name == name })
        return try #require(JSONSerialization.jsonObject(with: file.content) as? [String: Any])
    }

    /// Runs the pipeline that tokenizer.json describes, in the plainest way, and compares with the library.
    @Test func theMergesGiveTheLibrarysIDs() throws {
        let model = try #require(object("tokenizer.json")["model"] as? [String: Any])
        let vocabulary = try #require(model["vocab"] as? [String: Int])
        let merges = try #require(model["merges"] as? [String])
        let ranks = Dictionary(uniqueKeysWithValues: merges.enumerated().map { ($1, $0) })
        #expect(vocabulary.count == 400 && ranks.count == merges.count)

        for text in ["kato mire", "  shion,\n   trable 12", " x", String(SentencePieceTests.text.prefix(2000))] {
            var pieces = text.replacingOccurrences(of: " ", with: "▁").unicodeScalars.map { String($0) }
            while let best = zip(pieces, pieces.dropFirst()).enumerated()
                .compactMap({ index, pair in ranks[pair.0 + " " + pair.1].map { ($0, index) } }).min(by: <)
            {
                pieces.replaceSubrange(best.1...best.1 + 1, with: [pieces[best.1] + pieces[best.1 + 1]])
            }
            let ids = try pieces.flatMap { piece -> [Int] in
                if let id = vocabulary[piece] { return [id] }
                let bytes = piece.utf8.map {
                    "<0x" + ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) + ">"
                }
                return try bytes.map { try #require(vocabulary[$0]) }
            }
            #expect(ids == (try SentencePieceTests.tokenizer.encode(text)).map(Int.init))
        }
    }

    @Test func theConfigurationNamesTheSpecialTokens() throws {
        let configuration = try object("tokenizer_config.json")
        #expect(configuration["tokenizer_class"] as? String == "PreTrainedTokenizerFast")
        #expect(configuration["bos_token"] as? String == "<s>" && configuration["eos_token"] as? String == "</s>")
        let tokenizer = try object("tokenizer.json")
        let added = try #require(tokenizer["added_tokens"] as? [[String: Any]])
        #expect(added.map { $0["id"] as? Int } == [0, 1, 2])
        // No space before the text, as the model has it.
        #expect((tokenizer["normalizer"] as? [String: Any]).map { "\($0)".contains("Prepend") } == false)
    }
}
