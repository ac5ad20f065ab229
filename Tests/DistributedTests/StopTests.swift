import Foundation
import Testing

extension EndToEnd {
    /// A run that is asked to stop ends after its step, with a checkpoint and exit code 75, and goes on as if nothing had
    /// been.
    struct StopTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// Who gets the signal.
        enum Target { case alone, oneRank, mpirun }

        /// An evaluation after each step: one is due at the step of the stop.
        private static let rest = ["run.checkpoint_every=0", "run.evaluate_every=1", "optimizer.schedule=constant"]
        private static let endless = rest + ["run.steps=1000000"]

        /// Ends the stopped run five steps later on `launch`, and may compare it with one that was never stopped.
        private func expectToGoOn(on launch: Launch, compare: Bool) async throws {
            let reached = Metrics.lastStep(workspace("run"))
            let checkpoint = try newestCheckpoint(workspace("run"))
            #expect(try checkpoints(workspace("run")).count == 1)
            #expect(checkpoint.hasSuffix("-\(String(reached + 100_000_000).dropFirst())"), "\(reached): \(checkpoint)")
            let settings = Self.rest + ["run.steps=\(reached + 5)"]
            let outcome = try await workspace.train(settings, on: launch).expectSuccess()
            #expect(outcome.errors.contains("evaluation at step \(reached):"), "the evaluation that was owed")
            guard compare else { return }
            try await workspace.train(settings, out: "straight", on: launch).expectSuccess()
            let difference = try RunRecord(workspace("run")).difference(from: RunRecord(workspace("straight")))
            #expect(difference == nil)
        }

        // A SIGTERM for mpirun ends the ranks one second later, whatever they do; Launch/run is for that.
        @Test(
            .needsMPI,
            arguments: [
                (Target.alone, SIGUSR1), (.alone, SIGTERM), (.alone, SIGINT), (.oneRank, SIGTERM), (.mpirun, SIGUSR1),
            ])
        func stopsAtASignal(to target: Target, _ signal: Int32) async throws {
            let launch = target == .alone ? Launch.alone : .ranks(4, nodes: target == .oneRank ? "2" : nil)
            let run = try launch.start(workspace.trainArguments(Self.endless))
            try await run.wait { Metrics.lastStep(workspace("run")) >= 3 }
            let ranks = ProcessTree.running(Repository.program, among: run.processes)
            kill(target == .mpirun ? run.processes[0] : try #require(ranks.last), signal)
            let name = [SIGUSR1: "USR1", SIGTERM: "TERM", SIGINT: "INT"][signal]!
            try await run.end(within: .seconds(60)).expectFailure(
                75, "stopped by SIG\(name) after step", "start the same command again")
            try await expectToGoOn(on: .ranks(2), compare: signal == SIGUSR1)
        }

        @Test func aSecondInterruptEndsItAtOnce() async throws {
            // A step of minutes: it will not be over before the signals.
            let long = ["batch.global_batch_size=262144", "run.log_every=1"]
            let run = try Launch.alone.start(workspace.trainArguments(long))
            try await run.wait { run.errors.contains("resolved config") }
            kill(run.processes[0], SIGINT)
            try await Task.sleep(for: .milliseconds(300))
            #expect(run.isRunning)
            kill(run.processes[0], SIGINT)
            let outcome = try await run.end(within: .seconds(20))
            #expect(outcome.exitCode == SIGINT)
            #expect(try checkpoints(workspace("run")).isEmpty)
        }

        /// What ends a run in time.
        enum Limit: CaseIterable { case own, ownWithMargin, slurm }

        @Test(arguments: Limit.allCases) func stopsInTime(for limit: Limit) async throws {
            var launch = Launch.alone
            var settings = Self.endless
            let begin = Date()
            switch limit {
            case .own: settings += ["run.time_limit=4s"]
            case .ownWithMargin: settings += ["run.time_limit=1h", "run.time_margin=59m59s"]
            case .slurm: launch.environment["SLURM_JOB_END_TIME"] = "\(Int(begin.timeIntervalSince1970) + 4)"
            }
            try await workspace.train(settings, on: launch).expectFailure(
                75, limit == .slurm ? "the Slurm job is about to end" : "run.time_limit reached after step")
            // With such a margin the limit itself is far.
            #expect(Date().timeIntervalSince(begin) < (limit == .ownWithMargin ? 30 : 8))
            #expect(Metrics.lastStep(workspace("run")) > 3)
            try await expectToGoOn(on: .alone, compare: limit == .own)
        }
    }
}
