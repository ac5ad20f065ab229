import Foundation
import Testing

extension EndToEnd {
    /// A run that is killed, stopped or started again ends with the same bits as one that nobody disturbed.
    struct InterruptionTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private static let long = ["run.steps=100", "run.checkpoint_every=4", "run.evaluate_every=10"]
        private static let undisturbed = Task { () async throws -> RunRecord in
            let workspace = try Workspace()
            try await workspace.train(long).expectSuccess()
            return try RunRecord(workspace("run"))
        }

        /// Starts the long run anew, or takes it up where it is, and kills every process of it after `step`.
        private func trainAndKill(after step: Int, ranks: Int) async throws {
            let run = try Launch(ranks: ranks, environment: workspace.leftoversOfMPI)
                .start(workspace.trainArguments(Self.long))
            try await run.wait { Metrics.lastStep(workspace("run")) >= step }
            let processes = run.processes
            run.kill()
            _ = try await run.end(within: .seconds(60))
            // Two runs must not write to one directory.
            #expect(
                try await ProcessTree.haveEnded(processes, running: Repository.program, within: .seconds(30)))
        }

        @Test(.needsMPI) func killedTwiceAndResumedAtOtherWorldSizes() async throws {
            try await trainAndKill(after: 14, ranks: 4)
            let first = Metrics.lastStep(workspace("run"))
            try await trainAndKill(after: max(first, 20) + 11, ranks: 2)
            let second = Metrics.lastStep(workspace("run"))
            #expect(14...99 ~= first && first < second && second < 100, "killed after steps \(first) and \(second)")

            let outcome = try await workspace.train(Self.long, on: .ranks(8)).expectSuccess()
            // A kill may come after the line of a step, but before its checkpoint, and while the one before is written.
            let start = outcome.errors.firstMatch(of: /start +step ([0-9]+), from/).flatMap { Int($0.1) } ?? 0
            #expect(
                start % 4 == 0 && (second - 8)...second ~= start, "killed after step \(second), resumed from \(start)")
            let difference = try await RunRecord(workspace("run")).difference(from: Self.undisturbed.value)
            #expect(difference == nil)
            #expect(try checkpoints(workspace("run")).count == 3)
            #expect(!workspace.names("run").contains { $0.contains("tmp") })
        }

        /// A kill may cut the last line of the log short, and leave lines of steps after the last checkpoint.
        @Test func theLogOfAResumedRunHasEveryStepOnce() async throws {
            try await workspace.train(Self.long).expectSuccess()
            try FileManager.default.removeItem(atPath: newestCheckpoint(workspace("run")))
            let log = workspace("run/metrics.jsonl")
            try (String(contentsOfFile: log, encoding: .utf8) + #"{"step":101,"lo"#).write(
                toFile: log, atomically: false, encoding: .utf8)
            try await workspace.train(Self.long).expectSuccess()
            let difference = try await RunRecord(workspace("run")).difference(from: Self.undisturbed.value)
            #expect(difference == nil)
        }

        @Test func resumesFromANamedCheckpointIntoAnotherDirectory() async throws {
            try await workspace.train(Self.long).expectSuccess()
            let before = try contents(workspace("run"))
            let named = try checkpoints(workspace("run"))[0]
            try await workspace.train(Self.long, out: "branch", resume: named).expectSuccess()
            let (branch, wanted) = (try RunRecord(workspace("branch")), try await Self.undisturbed.value)
            #expect(branch.files == wanted.files)
            #expect(branch.steps == wanted.steps.filter { $0.step > 92 })
            #expect(try contents(workspace("run")) == before)
        }

        /// Jobs that requeue themselves and scripts that start a run again know one command only.
        @Test func theSameCommandGoesOnWithWhatItBegan() async throws {
            // Which does not depend on the number of steps.
            let settings = Self.long + ["optimizer.schedule=constant"]
            func start(until step: Int) async throws -> Outcome {
                try await workspace.train(
                    settings + ["run.steps=\(step)"], out: "branch", resume: workspace("run/step-00000008"))
            }
            try await workspace.train(settings + ["run.steps=10"]).expectSuccess()
            #expect(try await start(until: 12).expectSuccess().errors.contains("step 8, from \(workspace("run/"))"))
            try FileManager.default.removeItem(atPath: workspace("run"))
            for (step, before) in [(15, 12), (18, 15)] {
                let again = try await start(until: step).expectSuccess()
                #expect(again.errors.contains("step \(before), from \(workspace("branch/"))"), "\(again.errors)")
            }
            try await workspace.train(settings + ["run.steps=18"], out: "undisturbed").expectSuccess()
            #expect(try RunRecord(workspace("branch")).files == RunRecord(workspace("undisturbed")).files)
        }

        @Test func noResumeOverwritesAnotherRun() async throws {
            try await workspace.train(Self.long + ["run.steps=12"]).expectSuccess()
            try await workspace.train(Self.long + ["run.steps=4"], out: "other").expectSuccess()
            let before = try contents(workspace("run"))
            for origin in ["run/step-00000004", "other/step-00000004"] {
                try await workspace.train(resume: workspace(origin)).expectFailure(
                    64, "run holds a run that got to step 12", "going on from \(workspace(origin)) would overwrite it",
                    "name another --out")
            }
            #expect(try contents(workspace("run")) == before)
            // From the newest it is what goes on anyway.
            let newest = workspace("run/step-00000012")
            try await workspace.train(Self.long + ["run.steps=13"], resume: newest).expectSuccess()
        }

        @Test func aFinishedRunStaysAsItIs() async throws {
            try await workspace.train().expectSuccess()
            let before = try contents(workspace("run"))
            let again = try await workspace.train().expectSuccess()
            #expect(again.errors.contains("this run is complete: step \(TinyRun.steps) of \(TinyRun.steps)"))
            #expect(try contents(workspace("run")) == before)
        }

        @Test func resumeNoneDoesNotOverwriteARun() async throws {
            try await workspace.train().expectSuccess()
            let before = try contents(workspace("run"))
            try await workspace.train(resume: "none").expectFailure(
                64, workspace("run"), "--resume none would overwrite it", "name another --out")
            #expect(try contents(workspace("run")) == before)
            try await workspace.train(out: "new", resume: "none").expectSuccess()
        }

        @Test func aCheckpointToResumeThatIsNotThere() async throws {
            try await workspace.train(resume: "no/such/step-00000001").expectFailure(
                65, "no/such/step-00000001", "no such path")
            #expect(workspace.names("run").isEmpty)
        }
    }
}
