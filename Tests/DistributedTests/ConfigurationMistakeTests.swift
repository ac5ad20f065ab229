import Testing

extension EndToEnd {
    /// Mistakes in the command line and the configuration: one clear message, exit code 64, nothing written.
    struct ConfigurationMistakeTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test func anUnknownKeyAndItsNearestKin() async throws {
            try await workspace.train(["batch.lane=8"]).expectFailure(
                64, "unknown key batch.lane; did you mean batch.lanes?")
            try await workspace.train(config: "optimizer: {learning_rte: 0.1}").expectFailure(
                64, "config.yaml:1", "learning_rte", "did you mean", "learning_rate")
            #expect(workspace.names("run").isEmpty)
        }

        @Test func allMistakesAtOnce() async throws {
            let outcome = try await workspace.train([
                "optimizer.learning_rate=-1", "model.num_attention_heads=5", "objective.jreg.kind=wieghted",
                "batch.global_batch_size=12", "run.stepps=3",
            ])
            outcome.expectFailure(
                64, "optimizer.learning_rate is -1", "hidden_size is 48", "num_attention_heads (5)", "wieghted",
                "did you mean", "run.stepps", "run.steps")
            #expect(workspace.names("run").isEmpty)
            let plan = try await jregDist([
                "plan", "--set", "optimizer.learning_rate=-1", "--set", "batch.lanes=6", "--set", "run.stepps=3",
            ])
            plan.expectFailure(64, "optimizer.learning_rate is -1", "batch.lanes is 6", "run.stepps")
        }

        @Test func headsThatDoNotDivide() async throws {
            try await workspace.train(["model.num_key_value_heads=4"]).expectFailure(
                64, "num_attention_heads (6) must be a multiple of num_key_value_heads (4)")
            try await workspace.train(["model.num_attention_heads=7", "model.num_key_value_heads=7"]).expectFailure(
                64, "hidden_size is 48", "num_attention_heads (7)")
            #expect(workspace.names("run").isEmpty)
        }

        @Test func aConfigurationThatIsNone() async throws {
            try await jregDist(["--config", workspace("none.yaml"), "--out", workspace("run")])
                .expectFailure(64, "none.yaml: does not exist; check the path")
            try await workspace.train(config: "model: {hidden_size: [").expectFailure(64, "config.yaml")
            #expect(workspace.names("run").isEmpty)
        }

        @Test(.needsMPI) func moreRanksThanLanes() async throws {
            let outcome = try await workspace.train(["batch.lanes=4"], on: .ranks(5))
            outcome.expectFailure(64, "5 ranks share batch.lanes = 4", "start at most 4 ranks", "batch.lanes to 8")
            #expect(outcome.count(of: "5 ranks share") == 1)
            #expect(workspace.names("run").isEmpty)
        }

        @Test(
            .needsMPI,
            arguments: [
                (["verfy", "x"], "no command 'verfy'; did you mean verify? The commands are train, "),
                (["zzzzzzzz"], "no command 'zzzzzzzz'; the commands are train, "), (["--frobnicate"], "--frobnicate"),
                (["prepare", "--out", "x"], "--input"),
                (["generate", "--checkpoint", "x", "--prompt", "a", "--top-p", "2"], "--top-p is 2.0"),
                (["eval"], "--checkpoint"), (["train", "--set"], "--set"),
            ])
        func aUsageErrorIsToldOnce(_ arguments: [String], _ message: String) async throws {
            let outcome = try await jregDist(arguments, on: .ranks(4))
            outcome.expectFailure(64, message)
            #expect(
                outcome.count(of: "Error: ") == 1 && outcome.count(of: "Usage: jreg-dist") == 1, "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }

        @Test func help() async throws {
            let help = try await jregDist(["--help"]).expectSuccess()
            for command in ["train", "prepare", "eval", "generate", "analyze", "grad", "plan"] {
                #expect(help.output.contains("  \(command)"), "\(help.output)")
                let own = try await jregDist([command, "--help"]).expectSuccess()
                #expect(own.output.contains("EXAMPLE") && own.errors.isEmpty, "\(own.output)")
            }
            #expect(help.output.replacing("\n", with: " ").contains("75 stopped early") && help.errors.isEmpty)
        }

        @Test(.needsMPI) func helpUnderMpirunIsPrintedOnce() async throws {
            let help = try await jregDist(["--help"], on: .ranks(4)).expectSuccess()
            #expect(help.output.components(separatedBy: "OVERVIEW").count == 2)
        }

        /// srun without a plug-in for MPI starts every task as a run of its own.
        @Test func srunWithoutMPI() async throws {
            func task(_ number: Int) async throws -> Outcome {
                let slurm = ["SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "\(number)"]
                return try await workspace.train(on: Launch(environment: slurm))
            }
            try await task(0).expectFailure(64, "srun started 4 tasks", "srun --mpi=pmix")
            let other = try await task(1)
            #expect(other.exitCode == 64 && other.errors.isEmpty, "\(other.errors)")
            #expect(workspace.names("run").isEmpty)
        }

        /// A batch script has SLURM_NTASKS too, and a program in it is one process.
        @Test func inABatchScriptOneProcessIsARun() async throws {
            try await workspace.train(on: Launch(environment: ["SLURM_NTASKS": "4", "SLURM_PROCID": "0"]))
                .expectSuccess()
        }

        /// Variables of an mpirun that MPI knows nothing of.
        @Test(.needsMPI) func mpirunOfAnotherInstallation() async throws {
            let foreign = ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"]
            try await workspace.train(on: Launch(environment: foreign)).expectFailure(
                64, "the launcher started 2 processes, but MPI sees only this one")
            #expect(workspace.names("run").isEmpty)
        }

        @Test(.needsMPI) func commandsOfOneProcess() async throws {
            let text = try workspace.write("some text\n", "text.txt")
            let prepare = ["prepare", "--input", text, "--out", workspace("data"), "--bytes"]
            try await jregDist(prepare, on: .ranks(2)).expectFailure(
                64, "prepare runs in one process", "leave out mpirun")
            let grad = ["grad", "--checkpoint", "Tests/Fixtures/models/gqa", "--tokens", "Tests/Fixtures/tokens.json"]
            try await jregDist(grad + ["--out", workspace("out")], on: .ranks(2))
                .expectFailure(64, "grad runs in one process", "leave out mpirun")
            #expect(workspace.names() == ["text.txt"])
        }
    }
}
