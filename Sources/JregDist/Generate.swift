import ArgumentParser
import Foundation
import LlamaModel
import Training

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue a text with a checkpoint.",
        discussion: """
            EXAMPLES
              jreg-dist generate --checkpoint runs/quickstart --prompt "The word"
              jreg-dist generate --checkpoint runs/a --prompt "1." --max-tokens 200 --temperature 0
            """)

    @Option(help: ArgumentHelp("A checkpoint, or the output directory of a run.", valueName: "dir"))
    var checkpoint: String

    @Option(help: ArgumentHelp("The text to continue.", valueName: "text"))
    var prompt: String

    @Option(help: ArgumentHelp("Tokens to add at most.", valueName: "n"))
    var maxTokens = 128

    @Option(help: ArgumentHelp("0: always the most likely token; 1: as the model says.", valueName: "t"))
    var temperature = 0.8

    @Option(
        help: ArgumentHelp("Choose among the most likely tokens that together have this probability.", valueName: "p"))
    var topP = 0.95

    @Option(help: ArgumentHelp("The same seed gives the same text.", valueName: "n"))
    var seed: UInt64 = 0

    func validate() throws {
        if maxTokens < 1 { throw ValidationError("--max-tokens is \(maxTokens), but must be at least 1") }
        if !(temperature >= 0) { throw ValidationError("--temperature is \(temperature), but must not be negative") }
        if !(topP > 0 && topP <= 1) { throw ValidationError("--top-p is \(topP), but must be above 0 and at most 1") }
    }

    func run() throws {
        let options = GenerationOptions(
            checkpoint: checkpoint, prompt: prompt, maximumTokens: maxTokens,
            sampling: Sampling(temperature: temperature, topP: topP, seed: seed))
        Job.run { communicator, _, _ in
            try options.generate(communicator) { text in
                if communicator.rank == 0 { FileHandle.standardOutput.write(Data(text.utf8)) }
            }
            if communicator.rank == 0 { print() }
            return .done
        }
    }
}
