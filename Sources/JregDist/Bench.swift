import ArgumentParser
import Training

extension Benchmark: ExpressibleByArgument {}

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what this machine does with a model's products.",
        discussion: """
            EXAMPLES
              mpirun -np 2 --bind-to none jreg-dist bench gemm --config Configs/llama-170m.yaml
            """)

    @Argument(help: "gemm: the peak of multiply-adds, and matrix products at the model's shapes.")
    var benchmark: Benchmark

    @OptionGroup var configuration: ConfigArguments

    @Flag(help: "Print one JSON object on stdout, and nothing else there.")
    var json = false

    func run() throws {
        let options = BenchOptions(
            benchmark, configFile: configuration.config, overrides: configuration.overrides)
        Job.run { communicator, logger in
            let report = try options.run(communicator, logger)
            if communicator.rank == 0 { print(json ? report.json : report.table) }
            return .done
        }
    }
}
