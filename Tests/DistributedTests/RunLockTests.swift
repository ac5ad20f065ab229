import Foundation
import Testing

extension EndToEnd {
    /// Two runs in one output directory would overwrite one another's checkpoints.
    struct RunLockTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private static let long = ["run.steps=100000", "run.checkpoint_every=20", "run.evaluate_every=0"]

        @Test(.needsMPI, arguments: [nil, 2]) func aSecondRunIsRefusedWhileTheFirstGoesOn(ranks: Int?) async throws {
            let launch = Launch(ranks: ranks, environment: workspace.leftoversOfMPI)
            let first = try launch.start(workspace.trainArguments(Self.long))
            try await first.wait { Metrics.lastStep(workspace("run")) >= 21 }
            let second = try await workspace.train(Self.long, on: launch)
            second.expectFailure(
                70, workspace("run") + " is in use by process ", " on ", ", since 20", "name another --out")
            #expect(second.count(of: "is in use by") == 1)
            let holder = second.errors.firstMatch(of: /in use by process ([0-9]+) on/).flatMap { Int32($0.1) }
            let ranksOfFirst = ProcessTree.running(Repository.program, among: first.processes)
            #expect(holder.map(ranksOfFirst.contains) == true, "\(second.errors)")

            // The first did not notice; and the kernel gives the directory free when it is killed.
            let reached = Metrics.lastStep(workspace("run"))
            try await first.wait { Metrics.lastStep(workspace("run")) > reached + 20 }
            let processes = first.processes
            first.kill()
            _ = try await first.end(within: .seconds(60))
            #expect(try await ProcessTree.haveEnded(processes, running: Repository.program, within: .seconds(10)))
            #expect(workspace.names("run").contains("run.lock"))
            let steps = Metrics.lastStep(workspace("run")) + 1
            try await workspace.train(["run.steps=\(steps)", "run.evaluate_every=0"], on: launch).expectSuccess()
            #expect(!workspace.names("run").contains("run.lock"))
        }
    }
}
