import Foundation
import Testing

extension EndToEnd {
    /// A rank that does not get on is named by another, and all are ended, whichever rank it is.
    @Suite(.needsMPI) struct WatchdogTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private static let settings = ["run.steps=1000000", "run.evaluate_every=0", "run.stall_timeout=2s"]

        struct Case: CustomTestStringConvertible {
            let launch: Launch
            let stopped: Set<Int>
            let says: [String]
            var testDescription: String { "\(launch), stopped: \(stopped.sorted())" }
        }

        private static let cases = [
            Case(
                launch: .ranks(4), stopped: [2],
                says: ["seen by rank", "rank 2 on ", "is stopped (SIGSTOP", "other 3 ranks wait"]),
            // With rank 0 everything stands that only it can do.
            Case(launch: .ranks(2), stopped: [0], says: ["seen by rank 1", "rank 0 on ", "is stopped (SIGSTOP"]),
            // A whole node of two, that of rank 0, seen from the other.
            Case(
                launch: .ranks(4, nodes: "2"), stopped: [0, 1],
                says: [
                    "seen by rank 2", "nothing is heard of rank 0", "nothing is heard of rank 1",
                    " up, and its network?",
                ]),
        ]

        @Test(arguments: cases) func ranksThatAreStopped(_ test: Case) async throws {
            var launch = test.launch
            launch.environment = workspace.leftoversOfMPI
            let run = try launch.start(workspace.trainArguments(Self.settings))
            // By then other nodes have heard of a step.
            try await run.wait { Metrics.lastStep(workspace("run")) >= 200 }
            let ranks = ProcessTree.ranks(Repository.program, among: run.processes)
            for rank in test.stopped { kill(try #require(ranks[rank]), SIGSTOP) }
            let stopped = ContinuousClock.now
            let outcome = try await run.end(within: .seconds(60))
            #expect(ContinuousClock.now - stopped < .seconds(8))
            outcome.expectFailure(70, "no progress for 2s, the limit of run.stall_timeout", ", step ")
            for text in test.says { #expect(outcome.errors.contains(text), "\(text): \(outcome.errors)") }
            #expect(outcome.count(of: "the limit of run.stall_timeout") == 1, "\(outcome.errors)")
            #expect(
                try await ProcessTree.haveEnded(
                    Array(ranks.values), running: Repository.program, within: .seconds(10)))
            // What was said is also where one looks who was not there.
            let log = try String(contentsOfFile: workspace("run/stalls.log"), encoding: .utf8)
            #expect(log.contains(test.says[1]))
        }

        /// A file that takes nothing stands for a disk that does not answer: the process runs, but makes no progress.
        @Test(arguments: [nil, 2]) func aRankThatHangsInAFile(ranks: Int?) async throws {
            #expect(mkfifo(workspace("trace.json"), 0o600) == 0)
            let settings = Self.settings + ["run.trace=\(workspace("trace.json"))"]
            let outcome = try await workspace.train(settings, on: Launch(ranks: ranks))
            outcome.expectFailure(
                70, "rank 0 on ", " is writing the log, step 3, since ", "runs, but makes no progress",
                "does not answer")
            #expect(outcome.seconds < 10)
        }

        /// An hour of work between two looks is no standstill as long as something gets on, nor is a pause of the whole job.
        @Test func aJobThatIsSuspendedGoesOn() async throws {
            let settings = ["run.steps=200", "run.evaluate_every=0", "run.stall_timeout=3s"]
            let run = try Launch(ranks: 2).start(workspace.trainArguments(settings))
            try await run.wait { Metrics.lastStep(workspace("run")) >= 5 }
            let ranks = ProcessTree.running(Repository.program, among: run.processes)
            for rank in ranks { kill(rank, SIGSTOP) }
            try await Task.sleep(for: .seconds(5))
            for rank in ranks { kill(rank, SIGCONT) }
            try await run.end(within: .seconds(60)).expectSuccess()
        }

        /// The launcher is gone, and a rank that is stopped cannot notice.
        @Test func aStoppedRankDoesNotOutliveItsLauncher() async throws {
            let run = try Launch(ranks: 2, environment: workspace.leftoversOfMPI)
                .start(workspace.trainArguments(Self.settings + ["run.stall_timeout=60s"]))
            try await run.wait { Metrics.lastStep(workspace("run")) >= 20 }
            let processes = run.processes
            let ranks = ProcessTree.ranks(Repository.program, among: processes)
            kill(try #require(ranks[1]), SIGSTOP)
            kill(processes[0], SIGKILL)
            #expect(
                try await ProcessTree.haveEnded(
                    Array(ranks.values), running: Repository.program, within: .seconds(10)))
        }
    }
}
