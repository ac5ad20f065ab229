import CPlatform
import Kernels

/// How many threads a rank may use.
enum ThreadBudget {
    /// The cores that this process may run on, as its launcher bound it.
    static var boundCores: Int { Int(cplatform_bound_cores()) }

    /// The cores of this host that are open to the run: those of one unbound rank, or those that bound ranks add up to.
    static func openCores(ranksOnHost: Int) -> Int {
        min(Int(cplatform_host_cores()), boundCores * ranksOnHost)
    }

    /// The asked number; without one, the rank's share of the cores that it may use, at least one.
    static func threads(asked: Int?, ranksOnHost: Int) -> Int {
        asked ?? max(1, min(boundCores, openCores(ranksOnHost: ranksOnHost) / ranksOnHost))
    }
}
