import Foundation
import Testing

extension EndToEnd {
    /// `Launch/run`: mpirun as it should be for the machine, restarts of what died, and stops that leave a checkpoint.
    @Suite(.needsMPI) struct LaunchRunTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func start(
            _ options: [String], program: String = Repository.program, _ arguments: [String]
        ) throws -> RunningProgram {
            try Launch(environment: workspace.leftoversOfMPI)
                .start(commandLine: ["Launch/run", "--program", program] + options + arguments)
        }

        private static let settings = ["run.steps=150", "run.checkpoint_every=10", "run.evaluate_every=50"]

        @Test func aRunWhoseRankIsKilledGoesOn() async throws {
            let run = try start(
                ["-n", "4", "--restarts", "2", "--pause", "1"],
                // Anew, but once.
                workspace.trainArguments(Self.settings, resume: "none"))
            try await run.wait { Metrics.lastStep(workspace("run")) >= 25 }
            kill(try #require(ProcessTree.running(Repository.program, among: run.processes).last), SIGKILL)
            let outcome = try await run.end(within: .seconds(60)).expectSuccess()
            #expect(outcome.errors.contains("the run died with exit code 137: killed by SIGKILL"))
            #expect(outcome.errors.contains("restart 1 of 2 in 1 s") && !outcome.errors.contains("restart 2"))
            #expect(outcome.errors.contains(/start +step [0-9]+, from/))
            try await workspace.train(Self.settings, out: "undisturbed", on: .ranks(2)).expectSuccess()
            let difference = try RunRecord(workspace("run")).difference(from: RunRecord(workspace("undisturbed")))
            #expect(difference == nil)
        }

        @Test func whatDiesEachTimeIsGivenUp() async throws {
            let program = try workspace.write("#!/bin/sh\necho x >> '\(workspace("starts"))'\nkill -9 $$\n", "dies")
            chmod(program, 0o755)
            let outcome = try await start(["-n", "1", "--restarts", "1", "--pause", "1"], program: program, [])
                .end(within: .seconds(60))
            outcome.expectFailure(137, "restart 1 of 1 in 1 s", "given up: all of 1 restarts are used")
            #expect(try String(contentsOfFile: workspace("starts"), encoding: .utf8) == "x\nx\n")
        }

        @Test(arguments: [64: "batch.lanes=3", 65: "data.train=[\(Repository.root)README.md]"])
        func whatCannotGoOnIsNotTriedAgain(_ code: Int32, setting: String) async throws {
            let outcome = try await start(["-n", "2", "--restarts", "3"], workspace.trainArguments([setting]))
                .end(within: .seconds(60))
            outcome.expectFailure(code, "exit code \(code)", "starting again cannot help")
            #expect(!outcome.errors.contains("restart 1"))
        }

        /// mpirun by itself would kill the ranks one second after it.
        @Test func aTerminationLeavesACheckpoint() async throws {
            let endless = ["run.steps=1000000", "run.checkpoint_every=0"]
            let run = try start(["-n", "2", "--restarts", "3"], workspace.trainArguments(endless))
            try await run.wait { Metrics.lastStep(workspace("run")) >= 3 }
            kill(run.processes[0], SIGTERM)
            let outcome = try await run.end(within: .seconds(60))
            outcome.expectFailure(75, "the run is asked to stop", "stopped by SIGUSR1 after step")
            #expect(!outcome.errors.contains("restart 1"))
            let reached = Metrics.lastStep(workspace("run"))
            #expect(try newestCheckpoint(workspace("run")).hasSuffix("-\(String(reached + 100_000_000).dropFirst())"))
        }

        @Test func aSecondSignalEndsItAtOnce() async throws {
            // A step of minutes: it will not be over before the signals.
            let run = try start(["-n", "2"], workspace.trainArguments(["batch.global_batch_size=262144"]))
            try await run.wait { run.errors.contains("resolved config") }
            kill(run.processes[0], SIGINT)
            try await run.wait { run.errors.contains("is asked to stop") }
            let ranks = ProcessTree.running(Repository.program, among: run.processes)
            #expect(ranks.count == 2)
            kill(run.processes[0], SIGINT)
            #expect(try await run.end(within: .seconds(30)).exitCode != 0)
            #expect(try await ProcessTree.haveEnded(ranks, running: Repository.program, within: .seconds(10)))
        }

        /// The ranks of a script that is gone would go on unseen.
        @Test func theRunStopsWhenItsScriptIsKilled() async throws {
            let endless = ["run.steps=1000000", "run.checkpoint_every=0"]
            let run = try start(["-n", "2"], workspace.trainArguments(endless))
            try await run.wait { Metrics.lastStep(workspace("run")) >= 3 }
            let ranks = ProcessTree.running(Repository.program, among: run.processes)
            kill(run.processes[0], SIGKILL)
            #expect(try await ProcessTree.haveEnded(ranks, running: Repository.program, within: .seconds(20)))
            #expect(try checkpoints(workspace("run")).count == 1)
        }

        /// A run that leaves cores free is not bound to any, so that the threads alone say how many it takes.
        @Test(.needsTwoCores) func coresAreTheThreadsOfAnUnboundRankToo() async throws {
            let outcome = try await start(
                ["-n", "1", "--cores", "1"],
                workspace.trainArguments(["run.steps=4", "parallel.threads_per_rank=auto"])
            ).end(within: .seconds(60))
            outcome.expectSuccess()
            #expect(outcome.errors.contains("1 rank, unbound"))
            #expect(outcome.errors.contains("1 on 1 node (1), 1 thread each"), "\(outcome.errors)")
        }

        @Test func anOptionWithoutItsValue() async throws {
            for (option, message) in [
                ("--host", "--host needs a value, as in --host node1:8,node2:8"), ("-n", "-n (nothing): wanted"),
            ] {
                let outcome = try await Launch().start(commandLine: ["Launch/run", option]).end(within: .seconds(10))
                outcome.expectFailure(1, "run: " + message)
                #expect(outcome.count(of: "\n") == 1, "\(outcome.errors)")
            }
        }

        @Test func ranksFindOneAnother() async throws {
            let outcome = try await start(["-n", "4"], ["ranks", "--expect", "4", "--json"]).end(within: .seconds(60))
            outcome.expectSuccess()
            #expect(outcome.output.contains(/"ranks":4.*/) && outcome.errors.contains("== 4 ranks, "))
            let few = try await start(["-n", "2"], ["ranks", "--expect", "3"]).end(within: .seconds(60))
            few.expectFailure(64, "the world has 2 ranks, and 3 were expected")
            #expect(few.count(of: "3 were expected") == 1, "\(few.errors)")
        }
    }
}
