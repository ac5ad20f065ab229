import CPlatform
import Collectives
import Kernels

/// How many threads a rank may use.
enum ThreadBudget {
    /// The cores that this process may run on, as its launcher bound it.
    static var boundCores: Int { Int(cplatform_bound_cores()) }

    /// The cores of this host that are open to the run: those of one unbound rank, or those that bound ranks add up to.
    static func openCores(ranksOnHost: Int) -> Int {
        min(Int(cplatform_host_cores()), boundCores * ranksOnHost)
    }

    /// The threads of this rank.
    static func team(_ config: RunConfig, _ communicator: any Communicator) -> ThreadTeam {
        ThreadTeam(
            size: threads(
                asked: config.parallel.threadsPerRank, ranksOnHost: communicator.topology.ranksOnHost))
    }

    /// The asked number; without one, the rank's share of the cores that it may use, at least one.
    static func threads(asked: Int?, ranksOnHost: Int) -> Int {
        asked ?? max(1, min(boundCores, openCores(ranksOnHost: ranksOnHost) / ranksOnHost))
    }
}
