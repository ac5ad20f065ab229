import ArgumentParser
import Training

struct PlanRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what a run will need (memory, disk, work), and everything that is wrong with its configuration.",
        discussion: """
            EXAMPLES
              jreg-dist plan --config Configs/llama-1b.yaml --ranks 8 --ranks-per-node 4
              jreg-dist plan --keys
            """)

    @OptionGroup var configuration: ConfigArguments

    @Option(help: ArgumentHelp("Ranks of the whole run.", valueName: "n"))
    var ranks = 1

    @Option(help: ArgumentHelp("Ranks on one node. Default: all.", valueName: "n"))
    var ranksPerNode: Int?

    @Option(
        help: ArgumentHelp(
            "Threads of a rank. Default: parallel.threads_per_rank, or 1 where that is auto.", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print one JSON object on stdout, and nothing else there.")
    var json = false

    @Flag(help: "List every key of the configuration with its default, its values and its meaning.")
    var keys = false

    func validate() throws {
        for (name, value) in [("--ranks", ranks), ("--ranks-per-node", ranksPerNode), ("--threads", threads)] {
            if let value, value < 1 { throw ValidationError("\(name) is \(value), but must be at least 1") }
        }
    }

    func run() throws {
        if keys {
            print(RunConfig.keyReference)
            return
        }
        let options = PlanOptions(
            configFile: configuration.config, overrides: configuration.overrides, ranks: ranks,
            ranksPerNode: ranksPerNode, threads: threads)
        let isJSON = json
        Job.run(stallLimit: nil) { _, _, _ in
            let plan = try options.plan()
            print(isJSON ? plan.json : "\(plan)", terminator: isJSON ? "\n" : "")
            return .done
        }
    }
}
