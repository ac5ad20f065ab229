import Foundation
import Testing

/// What several processes do together, on one node and on several pretended ones.
@Suite(.serialized, .enabled(if: MPIRun.mpirun != nil, "there is no mpirun"))
struct UnderMPITests {
    static let reference = Result { try MPIRun(["sums"], ranks: nil) }

    @Test(arguments: [
        Placement(1), Placement(2), Placement(2, "2"), Placement(3), Placement(3, "2,1"), Placement(4),
        Placement(4, "2"),
        Placement(4, "4"), Placement(4, "3,1"), Placement(4, "1,2,1"), Placement(4, "2:cyclic"), Placement(5),
        Placement(5, "1,4"), Placement(8), Placement(8, "2"), Placement(8, "4"), Placement(8, "8"), Placement(8, "5,3"),
        Placement(8, "2:cyclic"), Placement(8, "1,2,5"),
    ])
    func sumsHaveTheSameBits(_ placement: Placement) throws {
        let reference = try Self.reference.get()
        #expect(reference.exitCode == 0, "\(reference.errors)")
        #expect(reference.output.split(separator: "\n").count == 16)
        let run = try placement.run("sums")
        #expect(run.exitCode == 0, "\(run.errors)")
        if placement.isPowerOfTwo { #expect(run.output == reference.output) }
        #expect(!run.output.isEmpty)
    }

    @Test(arguments: [Placement(1), Placement(2, "2"), Placement(4, "3,1"), Placement(8, "4"), Placement(5, "1,2,2")])
    func roundedSumsAreTheSameOnAllNodesAndEachTime(_ placement: Placement) throws {
        let (first, second) = (try placement.run("wire"), try placement.run("wire"))
        #expect(first.exitCode == 0, "\(first.errors)")
        #expect(first.output == second.output && first.output.split(separator: "\n").count == 2)
    }

    @Test(arguments: ["scalars", "arenas", "messages", "windows", "memory", "waiting"])
    func everyPlacement(_ command: String) throws {
        for placement in [Placement(1), Placement(2), Placement(3, "2,1"), Placement(4, "3,1"), Placement(8, "2")] {
            let run = try placement.run(command)
            #expect(run.exitCode == 0, "\(placement.testDescription): \(run.errors)")
        }
        let alone = try MPIRun([command], ranks: nil)
        #expect(alone.exitCode == 0, "\(alone.errors)")
    }

    @Test func ranksFollowNodesHoweverTheyWerePlaced() throws {
        let run = try Placement(6, "2:cyclic").run("topology")
        #expect(
            run.output == """
                rank 0 launched 0 node 0 local 0 of 3
                rank 1 launched 2 node 0 local 1 of 3
                rank 2 launched 4 node 0 local 2 of 3
                rank 3 launched 1 node 1 local 0 of 3
                rank 4 launched 3 node 1 local 1 of 3
                rank 5 launched 5 node 1 local 2 of 3

                """)
    }

    @Test(arguments: [Placement(4), Placement(4, "2")])
    func failureOfOneRankEndsAll(_ placement: Placement) throws {
        let run = try placement.run("failure")
        #expect(run.exitCode == 65)
        #expect(run.errors.contains("rank 3: the disk is on fire"))
        #expect(run.seconds < 20, "it took \(run.seconds) s")
    }

    // MARK: - Shared memory

    /// Runs its arguments with a /dev/shm of 64 MB, as a container has.
    static let smallSharedMemory = [
        "unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=64m tmpfs /dev/shm && exec \"$@\"", "sh",
    ]
    static let canMount: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = smallSharedMemory + ["true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    @Test(.enabled(if: canMount, "a /dev/shm of 64 MB needs the right to mount in a name space of one's own"))
    func smallSharedMemoryIsAnErrorThatNamesTheRemedy() throws {
        let tooMuch = try MPIRun(["allocate", "100"], ranks: 2, wrapper: Self.smallSharedMemory)
        #expect(tooMuch.exitCode == 65)
        for words in ["the parameters needs 105.1 MB", "/dev/shm", "MB free", "--shm-size", "osc_sm_backing_directory"]
        {
            #expect(tooMuch.errors.contains(words), "\(words) is missing in: \(tooMuch.errors)")
        }
        #expect(tooMuch.errors.components(separatedBy: "needs").count == 2, "said more than once: \(tooMuch.errors)")

        let enough = try MPIRun(["allocate", "40"], ranks: 2, wrapper: Self.smallSharedMemory)
        #expect(enough.exitCode == 0 && enough.output == "allocated\n", "\(enough.errors)")
        // Pretended nodes take from the same place.
        let twice = try MPIRun(["allocate", "40"], ranks: 4, nodes: "2", wrapper: Self.smallSharedMemory)
        #expect(twice.exitCode == 65 && twice.errors.contains("needs 84.4 MB"), "\(twice.errors)")

        let elsewhere = try MPIRun(
            ["allocate", "100"], ranks: 2,
            environment: ["OMPI_MCA_osc_sm_backing_directory": FileManager.default.temporaryDirectory.path],
            wrapper: Self.smallSharedMemory)
        #expect(elsewhere.exitCode == 0, "\(elsewhere.errors)")
    }

    @Test func sharedMemoryInAPlaceThatIsNot() throws {
        let run = try MPIRun(
            ["allocate", "1"], ranks: 2, environment: ["OMPI_MCA_osc_sm_backing_directory": "/no/such/place"])
        #expect(run.exitCode != 0)
        #expect(run.errors.contains("/no/such/place") && run.errors.contains("No such file"), "\(run.errors)")
    }

    // MARK: - Mistakes of launching

    @Test func mpirunOfAnotherInstallation() throws {
        // Variables of mpirun without an mpirun behind them: MPI starts alone.
        for rank in ["0", "1"] {
            let run = try MPIRun(
                ["topology"], ranks: nil, environment: ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": rank])
            #expect(run.exitCode == 64)
            #expect(run.errors.contains("started 2 processes, but MPI sees only this one") == (rank == "0"))
        }
    }

    @Test func srunWithoutPMIx() throws {
        let step = ["SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "0"]
        let run = try MPIRun(["topology"], ranks: nil, environment: step)
        #expect(run.exitCode == 64)
        #expect(run.errors.contains("srun --mpi=pmix"), "\(run.errors)")
    }

    @Test func nodesThatDoNotFit() throws {
        let run = try MPIRun(["topology"], ranks: 2, nodes: "3,1")
        #expect(run.exitCode == 64)
        #expect(run.errors.contains("JREG_DEBUG_NODES=3,1: the sizes do not add up to 2 ranks"), "\(run.errors)")
    }

    @Test func moreRanksThanLanes() throws {
        let run = try MPIRun(["scalars"], ranks: 9)
        #expect(run.exitCode == 65)
        #expect(run.errors.contains("9 ranks were started, but the global batch is cut into 8 lanes"), "\(run.errors)")
        #expect(run.errors.contains("batch.lanes to 16"), "\(run.errors)")
    }
}
