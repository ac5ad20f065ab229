import Collectives
import Corpus
import LlamaModel

/// What `generate` is asked.
public struct GenerationOptions: Sendable {
    public var checkpoint: String
    public var prompt: String
    public var maximumTokens: Int
    public var sampling: Sampling

    public init(checkpoint: String, prompt: String, maximumTokens: Int, sampling: Sampling) {
        self.checkpoint = checkpoint
        self.prompt = prompt
        self.maximumTokens = maximumTokens
        self.sampling = sampling
    }

    /// Calls `emit` with the prompt and then with each new piece of text.
    public func generate(_ communicator: any Communicator, emit: (String) -> Void) throws {
        let directory = try checkpointDirectory(checkpoint)
        let tokenizer = try loadTokenizer(inDirectory: directory)
        var tokens = (tokenizer.beginOfText.map { [$0] } ?? []) + (try tokenizer.encode(prompt))
        if tokens.isEmpty {
            throw TrainingError(.usage, "the prompt is empty and this tokenizer has no id that begins a text: give one")
        }
        let stored = try StoredModel(directory: directory, communicator) { shape, _ in
            let most = shape.maxPositionEmbeddings
            guard tokens.count < most else {
                throw TrainingError(
                    .usage, "the prompt has \(tokens.count) tokens, and the model can see no more than \(most)")
            }
            return tokens.count + min(maximumTokens, most - tokens.count)
        }
        var shown = ""
        func show() {
            // A token may be a part of a character: what ends in a replacement character waits for the next one.
            let text = tokenizer.decode(tokens)
            if text.hasSuffix("\u{FFFD}") || !text.hasPrefix(shown) { return }
            emit(String(text.dropFirst(shown.count)))
            shown = text
        }
        show()
        stored.model.generate(
            prompt: tokens, count: maximumTokens, sampling: sampling, endOfText: tokenizer.endOfText
        ) {
            tokens.append($0)
            show()
        }
    }
}
