import ArgumentParser
import Training

/// Which configuration: shared by the commands that read one.
struct ConfigArguments: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration. Without one: the built-in quickstart.", valueName: "file"))
    var config: String?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Override one key, as in --set batch.lanes=16. May be repeated; `jreg-dist plan --keys` lists all.",
            valueName: "key=value"))
    var overrides: [String] = []
}

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a model (the default command).",
        discussion: """
            EXAMPLES
              mpirun -np 8 jreg-dist train --config Configs/quickstart.yaml
              mpirun -np 2 jreg-dist --config Configs/llama-170m.yaml --set objective.jreg.lambda=0 --out runs/plain
              mpirun -np 4 jreg-dist train --config Configs/llama-170m.yaml --resume runs/a/step-00002000 --out runs/b
              jreg-dist train --config Configs/llama-170m.yaml --out runs/b --status
            """)

    @OptionGroup var configuration: ConfigArguments

    @Option(help: ArgumentHelp("The output directory; overrides run.out.", valueName: "dir"))
    var out: String?

    @Option(
        help: ArgumentHelp(
            "auto: go on with the run in the output directory if there is one; none: begin anew; or a checkpoint of another "
                + "run, with which the one in the output directory begins.",
            valueName: "auto|none|path"))
    var resume = "auto"

    @Flag(help: "Train nothing; say how far the run is. Exit code 0 when it is complete, 75 when there is more to do.")
    var status = false

    func run() throws {
        let overrides = configuration.overrides + (out.map { ["run.out=\"\($0)\""] } ?? [])
        let options = TrainOptions(
            configFile: configuration.config, overrides: overrides, resume: ResumeChoice(resume))
        if status {
            Job.runAlone {
                let status = try RunStatus(options)
                print(status)
                return status.exitStatus
            }
        }
        Job.run(heedsStopSignals: true) { communicator, logger, watchdog in
            try Trainer(options, communicator: communicator, logger: logger, watchdog: watchdog).run()
        }
    }
}
