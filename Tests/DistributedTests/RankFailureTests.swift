import Foundation
import Testing

extension EndToEnd {
    /// What befalls one rank ends all of them, at once and with that rank's message.
    @Suite(.needsMPI) struct RankFailureTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// One rank of four sees another file where the others see a sound shard, as from a stale cache of its node.
        @Test(.needsMounts, arguments: [nil, "2"])
        func aShardThatOneRankAloneCannotRead(nodes: String?) async throws {
            let shard = try Data(contentsOf: URL(filePath: Repository.root + Repository.shard))
            let sound = try workspace.write(shard, "shard.bin")
            let truncated = try workspace.write(shard.dropLast(9), "truncated.bin")
            let program = [Repository.program] + (try workspace.trainArguments(["data.train=[\(sound)]"]))
            let commandLine =
                MPI.mpirun + ["-np", "2"] + program + [":", "-np", "1"]
                + MountNamespace.exchange(sound, for: truncated) + program + [":", "-np", "1"] + program

            let run = try Launch(nodes: nodes).start(commandLine: commandLine)
            try await run.wait { run.errors.contains("error (rank 2 on") }
            let thrown = ContinuousClock.now
            let outcome = try await run.end(within: .seconds(60))
            #expect(ContinuousClock.now - thrown < .seconds(5))
            outcome.expectFailure(65, "error (rank 2 on ", "shard.bin is damaged", "promises 3206 tokens")
            #expect(outcome.count(of: "is damaged") == 1, "\(outcome.errors)")
            #expect(workspace.names("run").isEmpty)
        }

        /// A rank that dies without a word, as by the kernel's hand when memory is short.
        @Test func aRankThatIsKilled() async throws {
            let arguments = try workspace.trainArguments(["run.steps=100000", "run.checkpoint_every=20"])
            let run = try Launch(ranks: 4, environment: workspace.leftoversOfMPI).start(arguments)
            try await run.wait { Metrics.lastStep(workspace("run")) >= 25 }
            let ranks = ProcessTree.running(Repository.program, among: run.processes)
            #expect(ranks.count == 4)
            let killed = ContinuousClock.now
            kill(try #require(ranks.last), SIGKILL)
            let outcome = try await run.end(within: .seconds(60))
            #expect(outcome.exitCode != 0 && outcome.exitCode != 75)
            #expect(ContinuousClock.now - killed < .seconds(10))
            // mpirun may be gone a moment before them.
            #expect(try await ProcessTree.haveEnded(ranks, running: Repository.program, within: .seconds(10)))

            let reached = Metrics.lastStep(workspace("run")) / 20 * 20 + 5
            try await workspace.train(["run.steps=\(reached)", "run.checkpoint_every=20"], on: .ranks(2))
                .expectSuccess()
        }
    }
}
