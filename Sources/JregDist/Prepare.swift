import ArgumentParser
import Corpus
import Training

struct Prepare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn text into token shards that training reads.",
        discussion: """
            Reads text files, directories (with all they hold), .gz, and .jsonl with one document per line. Writes
            train_*.bin and val_*.bin in llm.c's format, dataset.json and the tokenizer.

            EXAMPLES
              jreg-dist prepare --input books/ --out data/books --train-bpe 32000
              jreg-dist prepare --input c4.jsonl.gz --field text --out data/c4 --tokenizer llama2/tokenizer.model
              jreg-dist prepare --input notes.txt --out data/notes --bytes
            """)

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Files and directories. May be repeated.", valueName: "path"))
    var input: [String]

    @Option(help: ArgumentHelp("The directory of the new dataset.", valueName: "dir"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "Use this SentencePiece model, or that of a dataset or checkpoint directory.", valueName: "file"))
    var tokenizer: String?

    @Option(
        name: .customLong("train-bpe"),
        help: ArgumentHelp("Train a SentencePiece BPE model of this size on the text.", valueName: "n"))
    var trainBPE: Int?

    @Flag(help: "Use bytes as tokens.")
    var bytes = false

    @Option(help: ArgumentHelp("The share of the documents that is held out for validation.", valueName: "fraction"))
    var valFraction = 0.01

    @Option(help: ArgumentHelp("The field of .jsonl lines that holds the text.", valueName: "name"))
    var field = "text"

    @Option(help: ArgumentHelp("Tokens per shard at most.", valueName: "n"))
    var shardTokens = 100_000_000

    @Flag(help: "Replace a dataset that is already there.")
    var overwrite = false

    func validate() throws {
        if [tokenizer != nil, trainBPE != nil, bytes].filter({ $0 }).count != 1 {
            throw ValidationError(
                "choose exactly one of --tokenizer FILE, --train-bpe N and --bytes; for a first try: --train-bpe 4096")
        }
        if !(valFraction >= 0 && valFraction < 1) {
            throw ValidationError("--val-fraction is \(valFraction), but must be at least 0 and below 1")
        }
        if shardTokens < 2 { throw ValidationError("--shard-tokens is \(shardTokens), but must be at least 2") }
        if let trainBPE, trainBPE < 260 {
            throw ValidationError(
                "--train-bpe is \(trainBPE), but the 256 bytes and 3 special ids alone take 259: choose 512 or more")
        }
    }

    func run() throws {
        let choice: CorpusPreparation.TokenizerChoice =
            if let tokenizer { .file(tokenizer) } else if let trainBPE { .trainBPE(trainBPE) } else { .bytes }
        var preparation = CorpusPreparation(inputs: input, output: out, tokenizer: choice)
        preparation.textField = field
        preparation.validationFraction = valFraction
        preparation.shardTokens = shardTokens
        preparation.overwrite = overwrite
        let job = preparation
        Job.run(stallLimit: nil) { communicator, logger, _ in
            try PrepareCommand(preparation: job).run(communicator, logger)
            return .done
        }
    }
}
