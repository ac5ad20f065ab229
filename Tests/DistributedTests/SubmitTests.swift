import Foundation
import Testing

extension EndToEnd {
    /// What `Launch/slurm/submit` and the job script say without a Slurm: a program that does nothing stands for sbatch.
    struct SubmitTests {
        let workspace: Workspace

        init() throws {
            workspace = try Workspace()
            chmod(try workspace.write("#!/bin/sh\n", "bin/sbatch"), 0o755)
        }

        private func submit(_ words: String...) async throws -> Outcome { try await submit(words) }

        private func submit(_ words: [String]) async throws -> Outcome {
            let path = workspace("bin") + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
            return try await Launch(environment: ["PATH": path])
                .start(commandLine: ["Launch/slurm/submit", "--program", Repository.program, "--dry-run"] + words)
                .end(within: .seconds(30))
        }

        @Test func settingsOfBothFormsCount() async throws {
            let fits = try await submit(
                "--ranks", "16", "train", "--set=batch.lanes=16", "--set", "batch.global_batch_size=32")
            fits.expectSuccess()
            #expect(fits.output.contains("'train' '--set=batch.lanes=16' '--set' 'batch.global_batch_size=32'"))
            try await submit("train", "--set=batch.lanes=3").expectFailure(1, "batch.lanes is 3")
            try await submit("train", "--set").expectFailure(1, "\"\" is no assignment")
        }

        /// Each job is checked with the configuration that it will have.
        @Test func configurationsOfManyJobs() async throws {
            let config = TinyRun.config.replacing("lanes: 8", with: "lanes: 16")
            let sixteen = try workspace.write(config, "a/same.yaml")
            for options in [["--seeds", "1-3", "train", "--config", sixteen], ["--configs", sixteen, "train"]] {
                try await submit(["--ranks", "16"] + options).expectSuccess()
                try await submit(["--ranks", "32"] + options).expectFailure(1, "32 ranks share batch.lanes = 16")
            }
            let other = try workspace.write(config, "b/same.yaml")
            try await submit("--configs", "\(sixteen),\(other)", "train")
                .expectFailure(1, "--configs names same.yaml twice")
        }

        /// The first job of a chain alone begins anew.
        @Test func aChainGoesOnWithWhatItsFirstJobBegan() async throws {
            let jobs = try await submit("--chain", "3", "train", "--resume", "none").expectSuccess()
                .output.split(separator: "\n")
            #expect(jobs.map { $0.hasSuffix("'--resume' 'none'") } == [true, false, false])
            #expect(jobs[1...].allSatisfy { $0.hasSuffix("'--resume' 'auto'") }, "\(jobs)")
        }

        @Test(arguments: ["5", "4:60", "0:5:0", "0-0:5", "1-00", "1-00:00:00", "08:09:00", "unlimited"])
        func timesThatAreTaken(_ time: String) async throws {
            let outcome = try await submit("--time", time, "ranks")
            #expect(outcome.expectSuccess().output.contains("'--time=\(time)'"), "\(outcome.output)")
        }

        @Test(
            arguments: [
                ("2", "--time 2: wanted 5 minutes at least"), ("4:59", "--time 4:59: wanted 5 minutes"),
                ("0-0:4", "--time 0-0:4: wanted 5 minutes"), ("12h", "--time 12h: wanted minutes, MM:SS, HH:MM:SS"),
                ("1:2:3:4", "--time 1:2:3:4: wanted minutes"), ("1-", "--time 1-: wanted minutes"),
                ("", "--time (nothing): wanted minutes"),
            ])
        func timesThatAreRefused(_ time: String, message: String) async throws {
            let outcome = try await submit("--time", time, "ranks")
            outcome.expectFailure(1, "submit: " + message)
            #expect(outcome.output.isEmpty)
        }

        @Test func theJobScriptWithoutSlurm() async throws {
            let help = try await Launch().start(commandLine: ["Launch/slurm/train.sbatch", "--help"])
                .end(within: .seconds(10))
            #expect(help.expectSuccess().output.contains("--restarts N") && help.errors.isEmpty, "\(help.errors)")
            #expect(!help.output.contains("SBATCH"))
            try await Launch().start(commandLine: ["Launch/slurm/train.sbatch", "train"]).end(within: .seconds(10))
                .expectFailure(1, "start it by sbatch")
        }
    }
}
