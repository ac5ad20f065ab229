import Foundation
import Testing

extension EndToEnd {
    /// A rank whose core is taken by others is said to be slow.
    @Suite(.needsMPI, .needsTwoCores) struct StragglerTests {
        @Test func aRankThatSharesItsCore() async throws {
            let workspace = try Workspace()
            // Steps long enough that the kernel deals out the core several times in each.
            let settings = [
                "run.steps=1000000", "run.evaluate_every=0", "run.checkpoint_every=0", "run.log_every=1000000",
                "batch.global_batch_size=128",
            ]
            let program = [Repository.program] + (try workspace.trainArguments(settings))
            // Seven others want what rank 1 has, so that it is last even on a machine that has more to do.
            let cores = ProcessTree.cores.map(String.init)
            let crowd = """
                for i in 1 2 3 4 5 6 7; do timeout 60 taskset -c \(cores[0]) sh -c 'while [ -d /proc/'$$' ]; do :; done' & done
                exec taskset -c \(cores[0]) "$@"
                """
            let rest = ["-np", "1", "sh", "-c", crowd, "sh"] + program
            let commandLine = MPI.mpirun + ["-np", "1", "taskset", "-c", cores[1]] + program + [":"] + rest
            let run = try Launch(environment: workspace.leftoversOfMPI).start(commandLine: commandLine)
            try await run.wait { run.errors.contains(/rank 1 on [^ ]+ is slow since .*[2-9]\.[0-9] times as long/) }
            #expect(!run.errors.contains("rank 0 on"), "\(run.errors)")
            run.kill()
            _ = try await run.end(within: .seconds(60))
        }
    }
}
