import Foundation
import Testing

extension EndToEnd {
    /// Training runs as jobs of a real Slurm: whatever befalls them, they end with the bits of a run that nobody disturbed.
    @Suite(.needsSlurm) struct SlurmTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// Long enough to be disturbed; an evaluation is due at every step at which a run may be stopped.
        private static let steps = 200
        private static let settings = [
            "run.steps=\(steps)", "run.checkpoint_every=10", "run.evaluate_every=50", "optimizer.schedule=constant",
            "parallel.threads_per_rank=1",
        ]
        private static let undisturbed = Task { () async throws -> RunRecord in
            let workspace = try Workspace()
            try await workspace.train(settings, on: .ranks(2)).expectSuccess()
            return try RunRecord(workspace("run"))
        }

        private func waitForStep(
            _ step: Int, of job: String, in out: String = "run", on cluster: SlurmCluster
        ) async throws {
            try await cluster.wait(for: job) { job in
                #expect(job["JobState"] != "FAILED", "\(log(out))")
                return job["JobState"] == "FAILED" || Metrics.lastStep(workspace(out)) >= step
            }
        }

        /// What the jobs of a run have said.
        private func log(_ out: String = "run") -> String {
            workspace.names(out).filter { $0.hasPrefix("slurm-") }
                .compactMap { try? String(contentsOfFile: workspace(out + "/" + $0), encoding: .utf8) }.joined()
        }

        private func expectTheUndisturbedBits(in out: String = "run") async throws {
            let difference = try await RunRecord(workspace(out)).difference(from: Self.undisturbed.value)
            #expect(difference == nil, "\(log(out))")
        }

        /// On one node and on two, at the same time: a requeued job has to wait some seconds.
        @Test func preemptedRequeuedAndFinished() async throws {
            let cluster = try await SlurmCluster("--nodes", "3")
            var jobs: [(number: String, nodes: Int, out: String)] = []
            for nodes in [1, 2] {
                let out = "run-\(nodes)"
                let options = ["--nodes", "\(nodes)", "--ranks", "\(2 / nodes)", "--time", "10"]
                let arguments = try workspace.trainArguments(Self.settings, out: out)
                jobs.append((try await cluster.submit(options, arguments)[0], nodes, out))
            }
            for job in jobs {
                try await waitForStep(20, of: job.number, in: job.out, on: cluster)
                try await cluster.command("scancel", "--batch", "--signal=USR1", job.number).expectSuccess()
            }
            for job in jobs {
                try await cluster.wait(for: job.number) { $0["JobState"] == "PENDING" && $0["Restarts"] == "1" }
            }
            let stopped = jobs.map { Metrics.lastStep(workspace($0.out)) }
            for (job, stopped) in zip(jobs, stopped) {
                let end = try await cluster.end(of: job.number)
                let log = log(job.out)
                #expect(end["JobState"] == "COMPLETED" && end["Restarts"] == "1", "\(log)")
                #expect(20..<Self.steps ~= stopped)
                #expect(log.contains("by srun --mpi=pmix") && log.contains("on \(job.nodes) node"))
                #expect(log.contains("stopped by SIGUSR1 after step \(stopped):"))
                #expect(log.contains("start     step \(stopped), from"))
                try await expectTheUndisturbedBits(in: job.out)
            }
        }

        @Test func aNodeFails() async throws {
            let cluster = try await SlurmCluster()
            let job = try await cluster.submit(["--nodes", "2"], workspace.trainArguments(Self.settings))[0]
            try await waitForStep(25, of: job, on: cluster)
            try await cluster.fail("n2")
            try await cluster.wait(for: job) { $0["JobState"] == "PENDING" }
            #expect(Metrics.lastStep(workspace("run")) < Self.steps)
            try await cluster.repair("n2")
            let end = try await cluster.end(of: job)
            #expect(end["JobState"] == "COMPLETED" && end["Restarts"] == "1", "\(log())")
            #expect(log().contains("DUE TO NODE FAILURE"))
            try await expectTheUndisturbedBits()
        }

        /// A Slurm without PMIx, as many clusters have: the probe finds out, and mpirun starts the ranks. Where no job may
        /// requeue itself, the next one goes on; and one more, of another size, takes up what they have left.
        @Test func aChainUnderMpirunThenFewerNodes() async throws {
            let cluster = try await SlurmCluster("--without-pmix")
            let short = Self.settings + ["run.steps=100"]
            let chain = try await cluster.submit(
                ["--nodes", "2", "--chain", "2"], workspace.trainArguments(short))
            #expect(chain.count == 2)
            try await waitForStep(20, of: chain[0], on: cluster)
            try await cluster.command("scancel", "--batch", "--signal=USR1", chain[0]).expectSuccess()
            let first = try await cluster.end(of: chain[0])
            #expect(
                first["JobState"] == "FAILED" && first["ExitCode"] == "75:0" && first["Restarts"] == "0", "\(log())")
            #expect(try await cluster.end(of: chain[1])["JobState"] == "COMPLETED", "\(log())")
            #expect(Metrics.lastStep(workspace("run")) == 100)
            #expect(log().contains("by mpirun") && !log().contains("by srun") && log().contains("2 on 2 nodes (1+1)"))

            let last = try await cluster.submit(["--ranks", "2"], workspace.trainArguments(Self.settings))[0]
            #expect(try await cluster.end(of: last)["JobState"] == "COMPLETED", "\(log())")
            #expect(log().contains("start     step 100, from") && log().contains("2 on 1 node (2)"))
            try await expectTheUndisturbedBits()
        }

        @Test func whatCannotGoOnDoesNotComeBack() async throws {
            let cluster = try await SlurmCluster()
            let shard = try Data(contentsOf: URL(filePath: Repository.root + Repository.shard))
            let damaged = try workspace.write(shard.dropLast(9), "damaged.bin")
            let job = try await cluster.submit([], workspace.trainArguments(["data.train=[\(damaged)]"]))[0]
            let end = try await cluster.end(of: job)
            #expect(end["JobState"] == "FAILED" && end["ExitCode"] == "65:0" && end["Restarts"] == "0", "\(log())")
            #expect(log().contains("starting again cannot help"))

            let endless = try await cluster.submit([], workspace.trainArguments(["run.steps=1000000"]))[0]
            try await waitForStep(5, of: endless, on: cluster)
            try await cluster.command("scancel", endless).expectSuccess()
            let cancelled = try await cluster.end(of: endless)
            #expect(cancelled["JobState"] == "CANCELLED" && cancelled["Restarts"] == "0", "\(log())")
        }

        /// In a job that is too short Slurm asks to stop at once; else it may be preempted while it still seeks its launcher.
        @Test(arguments: [("3", "FAILED"), ("60", "PENDING")])
        func askedToStopBeforeTheRunBegins(time: String, state: String) async throws {
            let cluster = try await SlurmCluster("--nodes", "1")
            let program = try workspace.write(
                """
                #!/bin/sh
                if [ "$1" = ranks ]; then touch '\(workspace("probing"))'; sleep 3; fi
                exec '\(Repository.program)' "$@"
                """, "slow")
            chmod(program, 0o755)
            let job = try await cluster.submit(
                ["--program", program, "--sbatch", "--time=\(time)"], workspace.trainArguments(Self.settings))[0]
            try await cluster.wait(for: job) { _ in FileManager.default.fileExists(atPath: workspace("probing")) }
            try await cluster.command("scancel", "--batch", "--signal=USR1", job).expectSuccess()
            let found = try await cluster.wait(for: job) {
                $0["JobState"] == "FAILED" || $0["JobState"] == "PENDING" && $0["Restarts"] == "1"
            }
            #expect(found["JobState"] == state, "\(log())")
            #expect(log().contains("the time of the job was over before the run began") == (state == "FAILED"))
            #expect(Metrics.lastStep(workspace("run")) == 0)
        }

        /// So it is when a node cannot launch its task, for example for a socket that was left there when its power failed.
        @Test func aLauncherThatSaysDoneWithoutHavingDoneAnything() async throws {
            let cluster = try await SlurmCluster("--nodes", "1")
            let launcher = try workspace.write(
                """
                #!/bin/bash
                PATH=${PATH#*:}
                if [[ "$*" == *--config* && ! -e '\(workspace("tried"))' ]]; then exec touch '\(workspace("tried"))'; fi
                exec srun "$@"
                """, "bin/srun")
            chmod(launcher, 0o755)
            let path = workspace("bin") + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
            let job = try await cluster.submit(
                ["--ranks", "2"], workspace.trainArguments(["run.steps=20"]), environment: ["PATH": path])[0]
            let end = try await cluster.end(of: job)
            #expect(end["JobState"] == "COMPLETED" && Metrics.lastStep(workspace("run")) == 20, "\(log())")
            #expect(log().contains("the launcher ended with 0, but: \(workspace("run")) has no checkpoint yet"))
            #expect(log().contains("restart 1 of 1"))
        }

        @Test func aJobForEachSeed() async throws {
            let cluster = try await SlurmCluster()
            let job = try await cluster.submit(["--ranks", "2", "--seeds", "3,5"], workspace.trainArguments())[0]
            for seed in [3, 5] {
                #expect(try await cluster.end(of: "\(job)_\(seed)")["JobState"] == "COMPLETED", "\(log())")
                try await workspace.train(["run.seed=\(seed)"], out: "plain-\(seed)").expectSuccess()
                let difference = try RunRecord(workspace("run/seed-\(seed)"))
                    .difference(from: RunRecord(workspace("plain-\(seed)")))
                #expect(difference == nil)
            }
        }

        @Test func submitSaysWhatItWouldDo() async throws {
            let cluster = try await SlurmCluster("--nodes", "1")
            let arguments = ["train", "--config", "Configs/quickstart.yaml", "--out", workspace("run")]
            let dry = try await cluster.command(
                ["Launch/slurm/submit", "--program", Repository.program, "--dry-run", "--nodes", "2", "--ranks", "4"]
                    + ["--threads", "2", "--time", "90", "--chain", "2", "--configs", "Configs/quickstart.yaml"]
                    + ["--sbatch", "--partition=long"] + arguments)
            dry.expectSuccess()
            let lines = dry.output.split(separator: "\n")
            #expect(lines.count == 2)
            let words = [
                "--nodes=2", "--ntasks-per-node=4", "--cpus-per-task=2", "--time=90", "--partition=long", "--array=0-0",
            ]
            for word in words { #expect(lines.allSatisfy { $0.contains("'\(word)'") }, "\(word): \(lines)") }
            #expect(lines[1].contains("--dependency=afterany:") && !lines[0].contains("--dependency"))

            let wrong = try await cluster.command(
                ["Launch/slurm/submit", "--program", Repository.program, "--ranks", "16"] + arguments)
            wrong.expectFailure(1, "16 ranks share batch.lanes = 8")
            #expect(try await cluster.command("squeue", "--noheader").output.isEmpty)
            #expect(workspace.names("run").isEmpty)
        }
    }
}
