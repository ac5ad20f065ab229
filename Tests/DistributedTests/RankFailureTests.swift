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

            let outcome = try await Launch(nodes: nodes).start(commandLine: commandLine).end(within: .seconds(60))
            outcome.expectFailure(65, "error (rank 2 on ", "shard.bin is damaged", "promises 3206 tokens")
            #expect(outcome.count(of: "is damaged") == 1, "\(outcome.errors)")
            #expect(outcome.seconds < 10, "it took \(outcome.seconds) s")
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
            let remaining = { ProcessTree.running(Repository.program, among: ranks) }
            while !remaining().isEmpty && ContinuousClock.now - killed < .seconds(10) {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(remaining().isEmpty)

            let reached = Metrics.lastStep(workspace("run")) / 20 * 20 + 5
            try await workspace.train(["run.steps=\(reached)", "run.checkpoint_every=20"], on: .ranks(2))
                .expectSuccess()
        }

        /// Every rank sees the same loss, so all stop together, before any weight is touched, and say why.
        @Test func aLossThatIsNoNumber() async throws {
            let model = "Tests/Fixtures/models/gqa/"
            try workspace.write(
                Data(contentsOf: URL(filePath: Repository.root + model + "config.json")), "nan/config.json")
            var weights = try Data(contentsOf: URL(filePath: Repository.root + model + "model.safetensors"))
            weights.replaceSubrange((weights.count - 4)..., with: [0, 0, 0xc0, 0x7f])
            try workspace.write(weights, "nan/model.safetensors")

            let config = TinyRun.config.replacing(
                /model:\n(  .*\n)+/, with: "model: {init_from: \(workspace("nan"))}\n")
            let outcome = try await workspace.train(config: config, on: .ranks(4))
            outcome.expectFailure(70, "step 1: the loss is nan", "the checkpoints are whole", "optimizer.learning_rate")
            #expect(try checkpoints(workspace("run")).isEmpty)
        }
    }
}
