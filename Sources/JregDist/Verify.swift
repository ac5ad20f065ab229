import ArgumentParser
import Training

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check every file of a checkpoint, a run, a prepared data set or a model, and say what is wrong.",
        discussion: """
            Of a checkpoint, or of all in the output directory of a run: the marker, sizes and hashes, shapes, and whether
            all numbers are finite. Of a data set: the shards' headers, sizes, ids and hashes, and the tokenizer. Of any
            Hugging Face Llama directory: headers, shapes, numbers. Exit code 65 if anything is wrong.

            EXAMPLES
              jreg-dist verify runs/quickstart
              jreg-dist verify runs/a/step-00002000 --json
              jreg-dist verify data/mine
            """)

    @Argument(
        help: "A checkpoint, the output directory of a run, a prepared data set, or a Hugging Face Llama directory.")
    var directory: String

    @Flag(help: "Print one JSON object on stdout, and nothing else there.")
    var json = false

    func run() throws {
        Job.run(stallLimit: nil) { communicator, _, _ in
            // One process does it all.
            guard communicator.rank == 0 else { return .done }
            let report = try VerifyReport(directory: directory)
            print(json ? report.json : report.text)
            return report.isSound ? .done : .data
        }
    }
}
