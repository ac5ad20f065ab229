import Foundation
import Testing

extension EndToEnd {
    /// A rank whose core is taken by others is said to be slow, and that it keeps up again when they have gone.
    @Suite(.needsMPI, .needsTwoCores) struct StragglerTests {
        @Test func aRankThatSharesItsCore() async throws {
            let workspace = try Workspace()
            // Steps long enough that the kernel deals out the core several times in each.
            let settings = [
                "run.steps=1000000", "run.evaluate_every=0", "run.checkpoint_every=0", "run.log_every=1000000",
                "batch.global_batch_size=128",
            ]
            let program = [Repository.program] + (try workspace.trainArguments(settings))
            // Until they are told to go, three others want what rank 1 has.
            let sign = workspace("go")
            let cores = ProcessTree.cores.map(String.init)
            let crowd = """
                for i in 1 2 3; do timeout 50 taskset -c \(cores[0]) sh -c 'until [ -e \(sign) ]; do :; done' & done
                exec taskset -c \(cores[0]) "$@"
                """
            let commandLine =
                MPI.mpirun + ["-np", "1", "taskset", "-c", cores[1]] + program + [
                    ":", "-np", "1", "sh", "-c", crowd, "sh",
                ]
                + program
            let run = try Launch(environment: workspace.leftoversOfMPI).start(commandLine: commandLine)
            try await run.wait { run.errors.contains(/rank 1 on [^ ]+ is slow since .*[2-9]\.[0-9] times as long/) }
            // Later on, the test itself may take a core.
            #expect(!run.errors.contains("rank 0 on"), "\(run.errors)")
            try workspace.write("", "go")
            try await run.wait { run.errors.contains(/rank 1 on [^ ]+ keeps up again/) }
            run.kill()
            _ = try await run.end(within: .seconds(60))
        }
    }
}
