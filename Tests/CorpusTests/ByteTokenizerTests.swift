import Corpus
import Foundation
import Testing

@Suite struct ByteTokenizerTests {
    let tokenizer = ByteTokenizer()

    @Test func idsAreBytes() throws {
        #expect(tokenizer.encode("aé\n") == [97, 0xc3, 0xa9, 10])
        #expect(try tokenizer.encodeDocument("a") == [256, 97])
        #expect(tokenizer.vocabularySize == 257 && tokenizer.separator == 256 && tokenizer.endOfText == 256)
    }

    @Test func roundTripsAndShowsWhatIsNoText() {
        for text in ["", "naïve 😀\t\r\n\0", "e\u{301}"] {
            #expect(Array(tokenizer.decode(tokenizer.encode(text)).utf8) == Array(text.utf8))
        }
        #expect(tokenizer.decode([256, 104, 105, 256]) == "hi")
        #expect(tokenizer.decode([104, 300, -1, 105]) == "h\u{fffd}\u{fffd}i")
        #expect(tokenizer.decode([0xc3]) == "\u{fffd}")
    }

    @Test func filesFindTheTokenizerAgain() throws {
        let directory = try TemporaryDirectory()
        try tokenizer.write(toDirectory: directory.path)
        #expect(try loadTokenizer(at: directory.path).vocabularySize == 257)
        #expect(try loadTokenizer(at: "bytes") is ByteTokenizer)
    }

    /// The alphabet of GPT-2: 256 different characters, none of them white space, in the order of the bytes.
    @Test func huggingFaceVocabularyHasOneCharacterPerByte() throws {
        let json = try #require(tokenizer.files.first { $0.name == "tokenizer.json" })
        let object = try #require(JSONSerialization.jsonObject(with: json.content) as? [String: Any])
        let model = try #require(object["model"] as? [String: Any])
        let vocabulary = try #require(model["vocab"] as? [String: Int])
        #expect(vocabulary.count == 257 && Set(vocabulary.values) == Set(0...256))
        #expect(vocabulary["a"] == 97 && vocabulary["Ġ"] == 32 && vocabulary["Ċ"] == 10 && vocabulary["Ń"] == 173)
        #expect(vocabulary["ÿ"] == 255 && vocabulary["\""] == 34 && vocabulary["\\"] == 92)
    }
}
