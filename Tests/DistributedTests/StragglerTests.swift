import Foundation
import Testing

extension EndToEnd {
    /// A rank whose core is taken by others is said to be slow, and that it keeps up again when they have gone.
    @Suite(.needsMPI, .needsTwoCores) struct StragglerTests {
        @Test func aRankThatSharesItsCore() async throws {
            let workspace = try Workspace()
            let settings = ["run.steps=1000000", "run.evaluate_every=0", "run.checkpoint_every=0"]
            let program = [Repository.program] + (try workspace.trainArguments(settings))
            // For four seconds three others want what rank 1 has.
            let crowd =
                "for i in 1 2 3; do timeout 4 taskset -c 0 yes > /dev/null & done; exec taskset -c 0 \"$@\""
            let commandLine =
                MPI.mpirun + ["-np", "1", "taskset", "-c", "1"] + program + [":", "-np", "1", "sh", "-c", crowd, "sh"]
                + program
            let run = try Launch(environment: workspace.leftoversOfMPI).start(commandLine: commandLine)
            try await run.wait { run.errors.contains(/rank 1 on [^ ]+ is slow since .*[2-9]\.[0-9] times as long/) }
            try await run.wait { run.errors.contains(/rank 1 on [^ ]+ keeps up again/) }
            #expect(!run.errors.contains("rank 0 on"), "\(run.errors)")
            run.kill()
            _ = try await run.end(within: .seconds(60))
        }
    }
}
