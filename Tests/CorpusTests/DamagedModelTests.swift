import Corpus
import Foundation
import Testing

@Suite struct DamagedModelTests {
    func load(_ bytes: [UInt8]) throws -> SentencePieceTokenizer {
        try SentencePieceTokenizer(content: Data(bytes), name: "some.model")
    }

    @Test func everyTruncationIsRefused() {
        let model = SentencePieceTests.model
        for size in Array(stride(from: 0, to: model.count, by: 97)) + [model.count - 1] {
            #expect(errorText { try load(Array(model.prefix(size))) }.contains("some.model"), "\(size) bytes")
        }
    }

    @Test func foreignFilesAreCalledByTheirName() {
        #expect(errorText { try load([0x1f, 0x8b, 8, 0]) }.contains("gzip"))
        #expect(errorText { try load(Array("once upon a time".utf8)) }.contains("no SentencePiece model"))
        #expect(errorText { try load([]) }.contains("missing"))
    }

    /// Whatever a changed byte does, it is an error or a tokenizer that works, never the end of the process.
    @Test func flippedBytesNeverCrash() throws {
        let model = SentencePieceTests.model
        var generator = TestGenerator(state: 3)
        var refused = 0
        for _ in 0..<1500 {
            var damaged = model
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: damaged.indices, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            do {
                let tokenizer = try load(damaged)
                let tokens = try tokenizer.encode("kato  mire\n12 😀")
                _ = tokenizer.decode(tokens + [0, 1, 2, 399])
                _ = tokenizer.files
            } catch is CorpusError {
                refused += 1
            }
        }
        #expect(refused > 0)
    }
}
