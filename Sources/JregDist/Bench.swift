import ArgumentParser
import Kernels
import Training

extension Benchmark: ExpressibleByArgument {}

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the matrix products, the reduction or whole steps of a model on this machine.",
        discussion: """
            EXAMPLES
              mpirun -np 2 --bind-to none jreg-dist bench step --config Configs/llama-170m.yaml
              mpirun -np 2 --bind-to none jreg-dist bench gemm --config Configs/llama-170m.yaml --json
              mpirun -np 8 jreg-dist bench reduce --config Configs/llama-170m.yaml
            """)

    @Argument(
        help: ArgumentHelp(
            "gemm: the peak of multiply-adds, and what products of the model's shapes reach of it; reduce: the sum of gradients, as parallel.wire and optimizer.shard have it, against MPI_Allreduce, on a power of two ranks; step: whole steps, and where their time goes.",
            valueName: "gemm|reduce|step"))
    var benchmark: Benchmark

    @OptionGroup var configuration: ConfigArguments

    @Option(
        help: ArgumentHelp(
            "How long each product (default 0.5) or all steps together (default 10) are measured; reduce takes nine rounds.",
            valueName: "s"))
    var seconds: Double?

    @Flag(help: "Print one JSON object on stdout, and nothing else there.")
    var json = false

    func validate() throws {
        if let seconds, !(seconds > 0 && seconds <= 3600) {
            throw ValidationError("--seconds is \(seconds), but must be more than 0 and at most 3600")
        }
    }

    func run() throws {
        // Before MPI: this may start the program anew, for OpenBLAS to be compared with at its best.
        BLASKernel.prepare()
        let options = BenchOptions(
            benchmark, configFile: configuration.config, overrides: configuration.overrides, seconds: seconds)
        Job.run { communicator, _, _ in
            let report = try options.run(communicator)
            if communicator.rank == 0 { print(json ? report.json : report.table) }
            return .done
        }
    }
}
