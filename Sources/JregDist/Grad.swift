import ArgumentParser
import Training

struct Grad: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the loss terms and the gradient of every weight, for comparison with another implementation.",
        discussion: """
            The tokens file is {"tokens": [[ids of one sequence], ...]}; each sequence predicts its ids 1... from 0....
            The output holds loss, loss.ce, loss.jreg, displacement [L] and grad.<Hugging Face tensor name>.

            EXAMPLE
              jreg-dist grad --checkpoint dir --tokens tokens.json --out grad.safetensors --set objective.jreg.kind=final
            """)

    @Option(help: ArgumentHelp("A checkpoint or any Hugging Face Llama directory.", valueName: "dir"))
    var checkpoint: String

    @Option(help: ArgumentHelp("The sequences, as JSON.", valueName: "file"))
    var tokens: String

    @Option(help: ArgumentHelp("The safetensors file to write.", valueName: "file"))
    var out: String

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a key of objective or parallel.", valueName: "key=value"))
    var overrides: [String] = []

    func run() throws {
        let options = GradientOptions(checkpoint: checkpoint, tokensFile: tokens, output: out, overrides: overrides)
        Job.run { communicator, _, _ in
            try options.write(communicator)
            return .done
        }
    }
}
