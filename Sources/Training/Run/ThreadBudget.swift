import CPlatform
import Collectives
import Foundation
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

    /// The asked number; without one what `Launch/run --cores` has set in the environment; without that the rank's share of
    /// the cores that it may use, at least one.
    static func threads(asked: Int?, ranksOnHost: Int) -> Int {
        let told = ProcessInfo.processInfo.environment["JREG_THREADS_PER_RANK"].flatMap { Int($0) }
        if let wanted = asked ?? told { return max(1, wanted) }
        return max(1, min(boundCores, openCores(ranksOnHost: ranksOnHost) / ranksOnHost))
    }
}
