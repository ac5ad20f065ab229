import Collectives
import Testing

@Suite struct LaunchTests {
    @Test(
        arguments: [
            ([:], LaunchEnvironment.Launcher.none, 0, 1),
            (["OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "8"], .mpi, 3, 8),
            // srun --mpi=pmix and --mpi=pmi2
            (["PMIX_RANK": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"], .mpi, 2, 4),
            (["PMI_RANK": "1", "PMI_SIZE": "2"], .mpi, 1, 2),
            // srun without either
            (["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"], .slurmWithoutMPI, 3, 4),
            // A program in a batch script is one process, whatever the job asked for; so is srun of one task.
            (["SLURM_NTASKS": "4", "SLURM_PROCID": "0"], .none, 0, 1),
            (["SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0"], .none, 0, 1),
            // mpirun in a batch job: its daemons are a step of one task per node.
            (
                [
                    "SLURM_STEP_NUM_TASKS": "2", "PMIX_RANK": "5", "OMPI_COMM_WORLD_RANK": "5",
                    "OMPI_COMM_WORLD_SIZE": "8",
                ],
                .mpi, 5, 8
            ),
        ] as [([String: String], LaunchEnvironment.Launcher, Int, Int)])
    func launchers(_ variables: [String: String], _ launcher: LaunchEnvironment.Launcher, _ rank: Int, _ size: Int) {
        let launch = LaunchEnvironment(variables)
        #expect(launch.launcher == launcher)
        #expect(launch.rank == rank)
        #expect(launch.size == size)
    }

    @Test func oneProcessNeedsNoMPI() throws {
        let communicator = try makeCommunicator(LaunchEnvironment([:]))
        #expect(communicator is LocalCommunicator)
        #expect(communicator.topology.ranksPerNode == [1])
        #expect(try communicator.broadcast([1, 2], from: 0) == [1, 2])
        #expect(try communicator.allGather([3]) == [[3]])
    }

    @Test func srunWithoutMPIIsRefused() {
        let launch = LaunchEnvironment(["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"])
        #expect(throws: CollectiveError.self) { try makeCommunicator(launch) }
    }

    @Test func pretendedNodes() throws {
        #expect(try DebugNodes.nodes(setting: nil, worldSize: 3) == [0, 0, 0])
        #expect(try DebugNodes.nodes(setting: "", worldSize: 2) == [0, 0])
        #expect(try DebugNodes.nodes(setting: "2", worldSize: 4) == [0, 0, 1, 1])
        #expect(try DebugNodes.nodes(setting: "3,1", worldSize: 4) == [0, 0, 0, 1])
        #expect(try DebugNodes.nodes(setting: "2:cyclic", worldSize: 4) == [0, 1, 0, 1])
    }

    @Test(arguments: [
        "0", "-1", "3", "x", "2,", "1,2", "2,2,0", "2,2:cyclic", ":cyclic", "3:cyclic", "99999999999999999999",
    ])
    func pretendedNodesThatDoNotFit(_ setting: String) {
        let error = #expect(throws: CollectiveError.self) { try DebugNodes.nodes(setting: setting, worldSize: 4) }
        #expect("\(error!)".hasPrefix("JREG_DEBUG_NODES=\(setting): "))
    }

    @Test func topologyOfUnequalNodes() {
        let topology = NodeTopology(rank: 4, ranksPerNode: [3, 1, 2], hostName: "h", ranksOnHost: 6)
        #expect(topology.worldSize == 6)
        #expect(topology.nodeIndex == 2)
        #expect(topology.localRank == 0)
        #expect(topology.localSize == 2)
        #expect(topology.ownersPerNode == 1)
        #expect(topology.ranks(ofNode: 1) == 3..<4)
    }
}
