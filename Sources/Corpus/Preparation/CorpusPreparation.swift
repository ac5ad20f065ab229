import Foundation

/// Turns text into a dataset: token shards of a training and a validation split, the tokenizer's files, `dataset.json`.
///
/// The text is read twice: once to count and check it, to settle the split and to train a tokenizer, once to encode it.
/// Memory stays bounded whatever the length of the text. The same input gives the same bytes.
public struct CorpusPreparation: Sendable {
    public enum TokenizerChoice: Sendable, Equatable {
        /// A SentencePiece `.model`, or the directory of a dataset or checkpoint that holds a tokenizer.
        case file(String)
        /// A BPE model of so many ids, trained on the text itself.
        case trainBPE(Int)
        case bytes
    }

    /// Files, and directories with all text files in them. Plain or gzip-compressed text; JSON lines go by the name.
    public var inputs: [String]
    /// The dataset's directory; made when it is missing.
    public var output: String
    public var tokenizer: TokenizerChoice
    /// The key of the text in JSON lines.
    public var textField = "text"
    /// Share of the documents that are held out, 0 ..< 1. When there are two documents or more, each split gets at least
    /// one; a single document is cut at an end of line. 0: no validation split.
    public var validationFraction = 0.01
    /// The most tokens of one shard (a longer document has a shard of its own).
    public var shardTokens = 100_000_000
    /// Whether a finished dataset in `output` may be replaced. It stays whole until the new one is.
    public var overwrite = false

    private static let bytesPerReport = 4 << 20

    public init(inputs: [String], output: String, tokenizer: TokenizerChoice) {
        self.inputs = inputs
        self.output = output
        self.tokenizer = tokenizer
    }

    /// What is being done, for a progress line.
    public struct Progress: Sendable {
        public enum Phase: String, Sendable {
            case reading, trainingTokenizer, encoding
        }
        public let phase: Phase
        /// Bytes of text, unpacked.
        public let bytes: Int
        /// Bytes of all text; `nil` as long as it is being counted.
        public let totalBytes: Int?
        public let tokens: Int
    }

    public struct Outcome: Sendable {
        public let dataset: DatasetDescription
        public let tokenizer: any Tokenizer
        /// What was decided along the way, one sentence each: skipped files, repaired text, a cut document.
        public let notes: [String]
    }

    /// Makes the dataset.
    /// - Parameter progress: called now and then from this thread.
    /// - Throws: `CorpusError` for options that cannot be meant, for text that is missing, empty or damaged, for a
    ///   dataset that is there already, and when writing fails. The output directory then holds what it held before.
    public func run(progress: (Progress) -> Void = { _ in }) throws -> Outcome {
        try checkOptions()
        let (files, skipped) = try InputFile.find(inputs, output: output)
        var notes = skipped.map { "skipped \($0)" }

        let reader = DocumentReader(textField: textField)

        var source = try TokenizerSource(tokenizer)
        var survey = CorpusSurvey()
        var reported = 0
        try survey.read(files, with: reader) { text, bytes in
            source.add(text)
            guard bytes - reported >= Self.bytesPerReport else { return }
            reported = bytes
            progress(Progress(phase: .reading, bytes: bytes, totalBytes: nil, tokens: 0))
        }
        notes += survey.notes
        let split = try ValidationSplit(fraction: validationFraction, survey: survey)
        if split.cutsSingleDocument {
            notes.append("the text is one document: its last part, from an end of line on, is the validation split")
        }

        if source.isTraining {
            progress(Progress(phase: .trainingTokenizer, bytes: 0, totalBytes: survey.textBytes, tokens: 0))
        }
        let tokenizer = try source.tokenizer()
        var writer = try DatasetWriter(directory: output, tokenizer: tokenizer, shardTokens: shardTokens)
        do {
            try encode(files, with: reader, split: split, tokenizer: tokenizer, into: &writer) { bytes, tokens in
                progress(Progress(phase: .encoding, bytes: bytes, totalBytes: survey.textBytes, tokens: tokens))
            }
            return Outcome(dataset: try writer.finish(), tokenizer: tokenizer, notes: notes)
        } catch {
            writer.discard()
            throw error
        }
    }

    private func encode(
        _ files: [InputFile], with reader: DocumentReader, split: ValidationSplit, tokenizer: any Tokenizer,
        into writer: inout DatasetWriter, progress: (_ bytes: Int, _ tokens: Int) -> Void
    ) throws {
        var batch = EncodingBatch(tokenizer: tokenizer)
        var ordinal = 0
        for file in files {
            _ = try reader.forEachDocument(of: file) { text in
                for part in try split.parts(of: text, ordinal: ordinal) { batch.add(part.text, to: part.split) }
                ordinal += 1
                guard batch.isFull else { return }
                try batch.drain(into: &writer)
                progress(writer.textBytes, writer.tokens)
            }
        }
        try batch.drain(into: &writer)
        progress(writer.textBytes, writer.tokens)
    }

    private func checkOptions() throws(CorpusError) {
        if inputs.isEmpty { throw .usage("no input: name text files or directories with --input") }
        guard validationFraction >= 0, validationFraction < 1 else {
            throw .usage("the validation fraction is \(validationFraction), wanted 0 or more and less than 1")
        }
        guard (1...ShardFormat.maximumTokens).contains(shardTokens) else {
            throw .usage("the shard size is \(shardTokens) tokens, wanted 1 to \(ShardFormat.maximumTokens)")
        }
        guard !overwrite else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: output)) ?? []
        if names.contains(DatasetFiles.description) {
            throw .usage(
                "\(output) holds a finished dataset: name another directory, or pass --overwrite to replace it")
        }
        if let shard = names.first(where: DatasetFiles.isShard) {
            throw .usage(
                "\(output) holds \(shard) but no \(DatasetFiles.description): name another directory, or pass --overwrite to replace the shards"
            )
        }
    }
}
