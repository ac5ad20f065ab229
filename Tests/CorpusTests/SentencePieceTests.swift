import Corpus
import Foundation
import Testing

@Suite struct SentencePieceTests {
    static let text = madeUpText(bytes: 60_000, seed: 7)
    static let tokenizer = try! train(vocabularySize: 400)

    static func train(vocabularySize: Int, on text: String = text) throws -> SentencePieceTokenizer {
        var trainer = try SentencePieceTrainer(vocabularySize: vocabularySize)
        trainer.add(text)
        return try trainer.train()
    }

    static var model: [UInt8] { Array(tokenizer.files[0].content) }

    @Test func hasLlamasSpecialIDs() throws {
        let tokenizer = Self.tokenizer
        #expect(tokenizer.vocabularySize == 400)
        #expect(tokenizer.beginOfText == 1 && tokenizer.endOfText == 2 && tokenizer.separator == 1)
        let document = try tokenizer.encodeDocument("kato")
        #expect(document.first == 1 && document.last == 2)
        #expect(Array(document.dropFirst().dropLast()) == (try tokenizer.encode("kato")))
    }

    @Test(arguments: [
        "", " ", "kato mire", " leading", "  two  and   three  ", "a\n\nb\n", "\ttab\r\n", "😀 e\u{301} é 漢字", "a\0b",
        "</s> <s> <unk> <0x0A>", "1234567890", "\u{fffd}\u{200b}\u{feff}", "\n",
    ]) func roundTrips(_ text: String) throws {
        let tokens = try Self.tokenizer.encode(text)
        #expect(Array(Self.tokenizer.decode(tokens).utf8) == Array(text.utf8))
        #expect(tokens.allSatisfy { 3 <= $0 && $0 < 400 }, "no special ids come from text")
    }

    @Test func compressesWhatItWasTrainedOn() throws {
        let tokens = try Self.tokenizer.encode(Self.text)
        #expect(tokens.count * 2 < Self.text.utf8.count)
        #expect(Self.tokenizer.decode(tokens) == Self.text)
        // Digits stay single.
        #expect(try Self.tokenizer.encode("4711").count == 4)
    }

    @Test func decodesAnything() {
        #expect(Self.tokenizer.decode([]) == "")
        #expect(Self.tokenizer.decode([1, 2]) == "")
        #expect(!Self.tokenizer.decode([-1, 400, .max, .min]).isEmpty)
        // 0xC3 alone, as a byte piece.
        #expect(Self.tokenizer.decode([3 + 0xc3]) == "\u{fffd}")
    }

    @Test func trainingIsDeterministic() throws {
        let again = try Self.train(vocabularySize: 400)
        #expect(again.files == Self.tokenizer.files)
    }

    @Test func longTextIsSampledWithinTheBudget() throws {
        var trainer = try SentencePieceTrainer(vocabularySize: 300, sampleBytes: 20_000)
        for part in 0..<20 { trainer.add(madeUpText(bytes: 30_000, seed: UInt64(part))) }
        #expect(try trainer.train().vocabularySize == 300)
    }

    @Test func impossibleSizes() throws {
        let error = errorText { try Self.train(vocabularySize: 4096, on: "too little text for so many pieces") }
        #expect(error.contains("4096") && error.contains("Use more text or a smaller vocabulary"))
        #expect(errorText { try Self.train(vocabularySize: 100) }.contains("260"))
        #expect(errorText { try Self.train(vocabularySize: 1 << 40) }.contains("260"))
        #expect(errorText { try Self.train(vocabularySize: 300, on: "") }.contains("300"))
    }

    @Test func trainsToAFile() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/my.model"
        try SentencePieceTrainer.trainBPE(texts: [Self.text], vocabularySize: 400, output: path)
        let loaded = try loadTokenizer(at: path)
        #expect(try loaded.encode("kato mire 12") == Self.tokenizer.encode("kato mire 12"))
    }

    @Test func filesFindTheTokenizerAgain() throws {
        let directory = try TemporaryDirectory()
        try Self.tokenizer.write(toDirectory: directory.path)
        let loaded = try loadTokenizer(inDirectory: directory.path)
        #expect(loaded.description == Self.tokenizer.description)
        #expect(loaded.files == Self.tokenizer.files)
    }

    @Test func tokenizersThatAreNotThere() throws {
        let directory = try TemporaryDirectory()
        #expect(errorText { try loadTokenizer(at: directory.path + "/no.model") }.contains("no.model"))
        #expect(errorText { try loadTokenizer(at: directory.path) }.contains("tokenizer.model"))
        try directory.write("{}", to: "tokenizer.json")
        #expect(errorText { try loadTokenizer(at: directory.path) }.contains("SentencePiece"))
    }
}
