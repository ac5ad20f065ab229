import Foundation

/// What the launcher said about this process, readable before MPI starts, so that usage errors are printed once.
public struct LaunchEnvironment: Sendable, Equatable {
    public enum Launcher: String, Sendable {
        /// Started by hand: one process, no MPI.
        case none
        /// `mpirun`, or `srun` with a plug-in that MPI can talk to.
        case mpi
        /// `srun` that started several tasks but gave MPI no way to find them.
        case slurmWithoutMPI
    }

    public let launcher: Launcher
    /// The launcher's number of this process; rank 0 here is rank 0 of the `Communicator` too.
    public let rank: Int
    /// Processes that the launcher started, if it said so.
    public let size: Int?

    public static let current = LaunchEnvironment(ProcessInfo.processInfo.environment)

    public init(_ environment: [String: String]) {
        func number(_ names: String...) -> Int? { names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first }
        // SLURM_NTASKS alone says nothing: a batch script has it too, and a program in it is one process.
        // SLURM_STEP_NUM_TASKS exists where srun started the program.
        let tasks = number("SLURM_STEP_NUM_TASKS")
        if let rank = number("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK") {
            launcher = .mpi
            self.rank = rank
            // mpirun inside a Slurm job hands down the step variables of its own daemons, one task per node.
            size = number("OMPI_COMM_WORLD_SIZE", "PMI_SIZE") ?? tasks
        } else if let tasks, tasks > 1 {
            launcher = .slurmWithoutMPI
            rank = number("SLURM_PROCID") ?? 0
            size = tasks
        } else {
            launcher = .none
            rank = 0
            size = 1
        }
    }
}
