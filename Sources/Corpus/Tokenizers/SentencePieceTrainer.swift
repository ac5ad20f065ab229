import CSentencePiece
import Foundation

/// Trains a byte-pair-encoding SentencePiece model as Llama 2's was: byte fallback, single digits, no normalisation,
/// ids 0 unknown, 1 begin, 2 end, 3…258 the bytes.
///
/// Passages keep their line breaks, so that a line's end and the punctuation before it can become one piece. Unlike
/// Llama 2's, the model puts no space before a text: `decode(encode(text)) == text` but for U+2581, which reads as a space.
public struct SentencePieceTrainer: Sendable {
    public let vocabularySize: Int
    private var sample: TextSample

    /// - Parameters:
    ///   - vocabularySize: unknown, begin, end, 256 bytes and the pieces; at most what the text has pieces for.
    ///   - sampleBytes: how much of the text to train on, picked evenly. By default 8 MiB or 512 bytes per id, whichever
    ///     is more: 40 MB instead give the same bytes per token to the third digit, in four times the time.
    public init(vocabularySize: Int, sampleBytes: Int? = nil) throws {
        // The three special pieces, the bytes, and a character to spell with.
        guard (260...1 << 20).contains(vocabularySize) else {
            throw CorpusError.usage(
                "a BPE vocabulary of \(vocabularySize) cannot be trained: wanted 260 (3 special ids, 256 bytes, one character) to 1048576"
            )
        }
        self.vocabularySize = vocabularySize
        sample = TextSample(budget: sampleBytes ?? max(8 << 20, 512 * vocabularySize))
    }

    /// Adds a text of any length; a part of it may be kept.
    public mutating func add(_ text: String) { sample.add(text) }

    /// Trains on what was added. The same texts in the same order give the same model.
    /// - Throws: `CorpusError` when there is too little text for the size.
    public func train() throws -> SentencePieceTokenizer {
        guard let trainer = CSentencePieceTrainer_create() else {
            throw CorpusError.system("out of memory for the training of a tokenizer")
        }
        defer { CSentencePieceTrainer_free(trainer) }
        for passage in sample.passages {
            let utf8 = passage.utf8.map { CChar(bitPattern: $0) }
            guard CSentencePieceTrainer_add(trainer, utf8, utf8.count) == 0 else {
                throw CorpusError.system("out of memory for the text that a tokenizer is trained on")
            }
        }
        var error = ErrorText()
        let size = CSentencePieceTrainer_train(trainer, Int32(vocabularySize), &error.buffer, error.buffer.count)
        guard size >= 0 else {
            throw CorpusError.data(
                "a BPE vocabulary of \(vocabularySize) cannot be trained on this text: \(error.text). Use more text or a smaller vocabulary"
            )
        }
        var content = [UInt8](repeating: 0, count: size)
        CSentencePieceTrainer_copyModel(trainer, &content)
        return try SentencePieceTokenizer(content: Data(content), name: "the model just trained")
    }

    /// Trains on texts and writes the `.model` file.
    @discardableResult
    public static func trainBPE(
        texts: some Sequence<String>, vocabularySize: Int, output: String
    ) throws -> SentencePieceTokenizer {
        var trainer = try SentencePieceTrainer(vocabularySize: vocabularySize)
        for text in texts { trainer.add(text) }
        let tokenizer = try trainer.train()
        try DurableFile.write(tokenizer.modelFile.content, to: output)
        return tokenizer
    }
}
