import ArgumentParser
import Training

/// What to evaluate, on what: shared by `eval` and `analyze`.
struct EvaluationArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A checkpoint, the output directory of a run (its newest is taken), or any Hugging Face Llama directory.",
            valueName: "dir"))
    var checkpoint: String

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "A directory that `prepare` made (its validation split is taken), a shard, or a glob of shards. Default: the data of the run.",
            valueName: "path"))
    var data: [String] = []

    @Option(help: ArgumentHelp("Tokens that are predicted in one sequence. Default: as in the run.", valueName: "n"))
    var sequenceLength: Int?

    @Option(help: ArgumentHelp("Sequences, spread evenly over the data. Default: all.", valueName: "n"))
    var sequences: Int?

    @Option(help: ArgumentHelp("Sequences on which every layer is read out through the head.", valueName: "n"))
    var readoutSequences = 32

    @Option(help: ArgumentHelp("Sequences per forward pass.", valueName: "n"))
    var batchSize = 4

    @Flag(help: "Print one JSON object on stdout, and nothing else there.")
    var json = false

    func validate() throws {
        for (name, value) in [
            ("--sequence-length", sequenceLength), ("--sequences", sequences), ("--batch-size", batchSize),
        ] {
            if let value, value < 1 { throw ValidationError("\(name) is \(value), but must be at least 1") }
        }
        if readoutSequences < 0 {
            throw ValidationError("--readout-sequences is \(readoutSequences), but must not be negative")
        }
    }

    var options: EvaluationOptions {
        EvaluationOptions(
            checkpoint: checkpoint, data: data, sequenceLength: sequenceLength, sequences: sequences,
            readoutSequences: readoutSequences, batchSize: batchSize)
    }
}

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Measure loss, perplexity, bits per byte and the jump profile of a checkpoint.",
        discussion: """
            EXAMPLES
              jreg-dist eval --checkpoint runs/quickstart
              mpirun -np 2 jreg-dist eval --checkpoint runs/a/step-00002000 --data data/other --json
            """)

    @OptionGroup var evaluation: EvaluationArguments

    func run() throws {
        Job.run { communicator, _, _ in
            let report = try evaluation.options.evaluate(communicator)
            if communicator.rank == 0 { print(evaluation.json ? report.json : report.summary) }
            return .done
        }
    }
}

struct Analyze: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how far the hidden states turn in each layer, and what each layer would predict.",
        discussion: """
            Takes the last state both as the residual stream has it and (columns marked *) after the final norm, as
            output_hidden_states of transformers returns it.

            EXAMPLES
              jreg-dist analyze --checkpoint runs/quickstart --svg profile.svg
              jreg-dist analyze --checkpoint Llama-3.2-1B --data data/llama3 --sequences 64 --json
            """)

    @OptionGroup var evaluation: EvaluationArguments

    @Option(help: ArgumentHelp("Also draw the profile.", valueName: "file"))
    var svg: String?

    func run() throws {
        Job.run { communicator, _, _ in
            let report = try evaluation.options.evaluate(communicator)
            if communicator.rank == 0 {
                print(evaluation.json ? report.json : report.summary + "\n\n" + report.profile)
                if let svg { try report.writeChart(to: svg) }
            }
            return .done
        }
    }
}
