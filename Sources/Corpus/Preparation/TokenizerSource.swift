/// A tokenizer that is there, or one that is to be trained on the text while that is read.
enum TokenizerSource {
    case given(any Tokenizer)
    case training(SentencePieceTrainer)

    /// - Throws: `CorpusError` for a tokenizer that cannot be loaded, before any long work.
    init(_ choice: CorpusPreparation.TokenizerChoice) throws {
        self =
            switch choice {
            case .file(let path): .given(try loadTokenizer(at: path))
            case .bytes: .given(ByteTokenizer())
            case .trainBPE(let size): .training(try SentencePieceTrainer(vocabularySize: size))
            }
    }

    var isTraining: Bool {
        if case .training = self { true } else { false }
    }

    mutating func add(_ text: String) {
        guard case .training(var trainer) = self else { return }
        // Let go of the old value first: the sample must not be copied for each text.
        self = .given(ByteTokenizer())
        trainer.add(text)
        self = .training(trainer)
    }

    /// The tokenizer, trained now if need be.
    func tokenizer() throws -> any Tokenizer {
        switch self {
        case .given(let tokenizer): tokenizer
        case .training(let trainer): try trainer.train()
        }
    }
}
