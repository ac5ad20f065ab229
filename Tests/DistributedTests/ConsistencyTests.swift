import Foundation
import Testing

extension EndToEnd {
    /// Nodes that should be alike and are not: at the start, and later.
    @Suite(.needsMPI) struct ConsistencyTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        // MARK: - Weights

        private static let settings = ["run.steps=30", "run.evaluate_every=0", "optimizer.schedule=constant"]

        /// A bit that turns in the memory of one node ends the run before a checkpoint holds it, and the last one before
        /// leads to what would have been.
        @Test func aBitThatTurnsInTheMemoryOfOneNode() async throws {
            var launch = Launch.ranks(4, nodes: "2")
            launch.environment = ["JREG_DEBUG_BIT_FLIP": "1:14"]
            let settings = Self.settings + ["run.checkpoint_every=8", "run.check_replicas_every=0"]
            let outcome = try await workspace.train(settings, on: launch)
            outcome.expectFailure(
                70, "after step 16 the weights in the memory of ranks 2, 3 on ",
                "differ from the copy of ranks 0, 1 on ", "first in model.", "the checkpoints are whole")
            #expect(outcome.count(of: "after step 16") == 1, "\(outcome.errors)")
            #expect(try newestCheckpoint(workspace("run")).hasSuffix("step-00000008"))

            try await workspace.train(settings, on: .ranks(4, nodes: "2")).expectSuccess()
            try await workspace.train(settings, out: "undisturbed", on: .ranks(2)).expectSuccess()
            let difference = try RunRecord(workspace("run")).difference(from: RunRecord(workspace("undisturbed")))
            #expect(difference == nil)
        }

        /// Between checkpoints, and by a majority: the first of three nodes is the wrong one.
        @Test func theFirstOfThreeNodesIsTheWrongOne() async throws {
            var launch = Launch.ranks(3, nodes: "3")
            launch.environment = ["JREG_DEBUG_BIT_FLIP": "0:3"]
            let outcome = try await workspace.train(
                Self.settings + ["run.check_replicas_every=5", "run.checkpoint_every=0"], on: launch)
            outcome.expectFailure(
                70, "after step 5 the weights in the memory of rank 0 on ", "differ from the others, first in model.")
            #expect(try checkpoints(workspace("run")).isEmpty)
        }

        // MARK: - Programs, commands and files

        /// Rank 0 and rank 1, each with a command line of its own.
        private func start(_ first: [String], _ second: [String], nodes: String? = nil) async throws -> Outcome {
            let commandLine = MPI.mpirun + ["-np", "1"] + first + [":", "-np", "1"] + second
            return try await Launch(nodes: nodes).start(commandLine: commandLine).end(within: .seconds(60))
        }

        @Test func anotherProgramOnOneHost() async throws {
            // What is behind the end of a program changes nothing but its hash.
            let other = try workspace.write(
                Data(contentsOf: URL(filePath: Repository.program)) + [0], "jreg-dist")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: other)
            let arguments = try workspace.trainArguments()
            let outcome = try await start([Repository.program] + arguments, [other] + arguments)
            outcome.expectFailure(
                64, "do not run the same program: rank 0 on ", Repository.program, "rank 1 on ", other, "Launch/build")
            #expect(outcome.count(of: "do not run the same program") == 1)
        }

        @Test func anotherCommandOnOneHost() async throws {
            let program = [Repository.program]
            let outcome = try await start(
                program + workspace.trainArguments(), program + workspace.trainArguments(["run.seed=2"]))
            outcome.expectFailure(64, "given different commands: rank 0 on ", "run.seed=2\". Start all with the same")
        }

        @Test(.needsMounts) func otherDataOnOneHost() async throws {
            let shard = try Data(contentsOf: URL(filePath: Repository.root + Repository.shard))
            let ours = try workspace.write(shard, "shard.bin")
            // Another first token.
            let theirs = try workspace.write(shard.prefix(1024) + [shard[1024] ^ 1] + shard.dropFirst(1025), "old.bin")
            let settings = ["data.train=[\(ours)]", "data.validation=[]"]
            let program = [Repository.program] + (try workspace.trainArguments(settings))
            let outcome = try await start(
                program, MountNamespace.exchange(ours, for: theirs) + program, nodes: "2")
            outcome.expectFailure(
                65, "do not read the same training data from \(ours)", "rank 0 on ", "with the fingerprint ",
                "rank 1 on ")
        }

        /// Rank 0 reads the configuration for all, so an old copy does no harm; but whoever keeps one may want to know.
        @Test(.needsMounts) func anOldCopyOfTheConfigurationOnOneHost() async throws {
            let program = [Repository.program] + (try workspace.trainArguments(["run.steps=5"]))
            let old = try workspace.write("run: {steps: 9}", "old.yaml")
            let outcome = try await start(
                program, MountNamespace.exchange(workspace("config.yaml"), for: old) + program)
            outcome.expectSuccess()
            #expect(outcome.errors.contains("config.yaml is another file for rank 1 on "), "\(outcome.errors)")
        }
    }
}
