import Foundation
import Testing

extension EndToEnd {
    /// A full disk, one that cannot be written, and too little shared memory.
    @Suite(.needsMPI, .needsMounts) struct ScarcityTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test func aFullDiskLeavesTheEarlierCheckpointsWhole() async throws {
            // Each checkpoint takes 1.2 MB.
            let settings = ["run.steps=40", "run.checkpoint_every=2", "run.keep_checkpoints=20"]
            try workspace.write("", "disk/empty")
            let launch = Launch(
                ranks: 2,
                wrapper: MountNamespace.smallDisk(workspace("disk"), megabytes: 6, copy: workspace("copy")))
            let full = try await workspace.train(settings, out: "disk/run", on: launch)
            full.expectFailure(
                70, "no room for the checkpoint of step", "disk/run", "Make room", "earlier checkpoints are whole")
            #expect(full.count(of: "no room for the checkpoint") == 1)
            #expect(full.seconds < 30)

            // With room again the same run goes on, and ends as if nothing had been.
            let kept = try checkpoints(workspace("copy/run"))
            #expect(kept.count >= 2 && kept.count < 20, "\(kept)")
            #expect(!workspace.names("copy/run").contains { $0.contains("tmp") })
            let resumed = try await workspace.train(settings, out: "copy/run").expectSuccess()
            #expect(resumed.errors.contains("step \(2 * kept.count), from"), "\(resumed.errors)")
            #expect(!resumed.errors.contains("skipped"), "\(resumed.errors)")
            try await workspace.train(settings, out: "undisturbed").expectSuccess()
            let difference = try RunRecord(workspace("copy/run")).difference(from: RunRecord(workspace("undisturbed")))
            #expect(difference == nil)
        }

        /// As a disk with a fault does: the kernel takes the right to write away while the run goes on.
        @Test func aDiskThatBecomesReadOnlyLeavesTheEarlierCheckpointsWhole() async throws {
            // Far enough apart that the disk changes between two of them, and not under a file that is being written.
            let settings = ["run.checkpoint_every=400", "run.evaluate_every=0", "optimizer.schedule=constant"]
            let launch = Launch(
                ranks: 2,
                wrapper: MountNamespace.readOnly(workspace("run"), when: workspace("run/step-00000400/COMPLETE")))
            let refused = try await workspace.train(settings + ["run.steps=100000"], on: launch)
            refused.expectFailure(70, "cannot create \(workspace("run"))/step-", "Read-only file system")
            #expect(refused.count(of: "Read-only file system") == 1)
            try await jregDist(["verify", workspace("run")]).expectSuccess()
            let last = "run.steps=\(Metrics.lastStep(workspace("run")) + 3)"
            try await workspace.train(settings + [last]).expectSuccess()
            try await workspace.train(settings + [last], out: "undisturbed").expectSuccess()
            let difference = try RunRecord(workspace("run")).difference(from: RunRecord(workspace("undisturbed")))
            #expect(difference == nil)
        }

        @Test func anOutputDirectoryThatCannotBeWritten() async throws {
            try workspace.write("", "disk/empty")
            let launch = Launch(ranks: 2, wrapper: MountNamespace.readOnly(workspace("disk")))
            let refused = try await workspace.train(out: "disk/run", on: launch)
            refused.expectFailure(70, workspace("disk/run"))
            try await workspace.train(out: "disk", on: launch)
                .expectFailure(
                    70, "cannot create \(workspace("disk"))/run.lock: Read-only file system", "choose another")
            try await workspace.train(out: "disk/empty/run", on: .ranks(2))
                .expectFailure(70, "cannot create \(workspace("disk/empty/run"))")
        }

        /// A container's 64 MB. Without the check the ranks would die of SIGBUS at some later write.
        @Test func tooLittleSharedMemory() async throws {
            let launch = Launch(ranks: 2, wrapper: MountNamespace.smallSharedMemory(megabytes: 64))
            let large = ["model.hidden_size=384", "model.intermediate_size=1024", "model.vocab_size=8000"]
            let outcome = try await workspace.train(large, on: launch)
            outcome.expectFailure(
                70, "shared memory for", "needs", "/dev/shm", "free", "--shm-size", "OMPI_MCA_osc_sm_backing_directory")
            #expect(outcome.count(of: "shared memory for") == 1, "\(outcome.errors)")
            #expect(workspace.names("run").isEmpty)

            try await workspace.train(on: launch).expectSuccess()
            let difference = try await RunRecord(workspace("run")).difference(from: TinyRun.alone.value)
            #expect(difference == nil)
        }

        /// The remedy that the message names.
        @Test func sharedMemoryFromAnotherDirectory() async throws {
            var launch = Launch(ranks: 2, wrapper: MountNamespace.smallSharedMemory(megabytes: 64))
            launch.environment["OMPI_MCA_osc_sm_backing_directory"] = workspace.path
            let large = [
                "model.hidden_size=384", "model.intermediate_size=1024", "model.vocab_size=8000", "run.steps=1",
                "optimizer.warmup_steps=0", "objective.jreg.warmup_steps=0",
            ]
            try await workspace.train(large, on: launch).expectSuccess()
        }
    }
}
