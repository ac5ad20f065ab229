import ArgumentParser
import Training

struct Ranks: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say which ranks find one another: whether a launch is as it should be.",
        discussion: """
            EXAMPLES
              mpirun -np 8 jreg-dist ranks
              srun --mpi=pmix -n 16 jreg-dist ranks --expect 16
            """)

    @Option(help: ArgumentHelp("Fail unless there are so many ranks.", valueName: "n"))
    var expect: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        Job.run { communicator, _, _ in
            try RanksCommand(expected: expect, asJSON: json).run(communicator)
        }
    }
}
