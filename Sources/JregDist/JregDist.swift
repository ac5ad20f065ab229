import ArgumentParser
import Foundation
import Training

/// Argument parsing, and nothing else: what a command does is in `Training`.
@main struct JregDist: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jreg-dist",
        abstract: "Pretrain Llama models data-parallel over MPI on CPUs, with the jump-suppressing regularizer JREG.",
        discussion: """
            EXAMPLES
              mpirun -np 8 jreg-dist                                   train the quickstart on 8 ranks
              jreg-dist prepare --input books/ --out data/books --train-bpe 32000
              mpirun -np 2 jreg-dist train --config Configs/llama-170m.yaml --set data.train=[data/books] --out runs/a
              mpirun -np 4 jreg-dist train --config Configs/llama-170m.yaml --out runs/a    (goes on where it was)
              jreg-dist eval --checkpoint runs/a
              jreg-dist generate --checkpoint runs/a --prompt "Once upon a time"

            Exit codes: 0 done; 64 command line or configuration; 65 bad data, or too many bad steps in a row; 70 the \
            system or the program failed, or a rank hung; 75 stopped early with a checkpoint: start the same command again.
            """,
        version: Version.jregDist,
        subcommands: [
            Train.self, Prepare.self, Evaluate.self, Generate.self, Analyze.self, Verify.self, Grad.self, PlanRun.self,
            Bench.self, Ranks.self,
        ],
        defaultSubcommand: Train.self)

    /// Every rank parses the same arguments, so one of them is enough to complain, or to print the help.
    static func main() {
        do {
            try requireCommand(CommandLine.arguments.dropFirst().first)
            var command = try parseAsRoot()
            try command.run()
        } catch {
            if Job.launchRank == 0 { exit(withError: error) }
            let code = exitCode(for: error)
            // mpirun ends all ranks as soon as one has failed: rank 0 must have complained by then.
            if !code.isSuccess { sleep(3) }
            Foundation.exit(code.rawValue)
        }
    }

    /// Of a first word that is neither an option nor a command, the parser would say that `train` takes no such argument.
    private static func requireCommand(_ word: String?) throws {
        let names = configuration.subcommands.map { $0._commandName }
        guard let word, !word.hasPrefix("-"), !(names + ["help"]).contains(word) else { return }
        let guess = nearestWord(to: word, among: names).map { "did you mean \($0)? The" } ?? "the"
        throw ValidationError("there is no command '\(word)'; \(guess) commands are \(names.joined(separator: ", "))")
    }
}
