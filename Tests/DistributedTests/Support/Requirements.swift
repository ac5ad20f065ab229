import Foundation
import Testing

/// What a test needs of the machine. Where it is missing the test is skipped, and says why.
extension Trait where Self == ConditionTrait {
    static var needsMPI: Self { .enabled(if: MPI.isInstalled, "there is no mpirun on the PATH") }

    static var needsHosts: Self {
        .enabled(
            if: NetworkHosts.areAllowed,
            "Launch/cluster/hosts-up makes no hosts here: that takes root, ip and tc (Launch/install test)")
    }

    static var needsTwoCores: Self {
        .enabled(if: ProcessTree.cores.count > 1, "there is one core only")
    }

    static var needsOracle: Self {
        .enabled(
            if: Oracle.python != nil,
            "JREG_ORACLE_PYTHON names no Python with torch and transformers (Launch/test installs one)")
    }

    static var needsSlurm: Self {
        .enabled(
            if: SlurmCluster.isPossible,
            "a Slurm takes root, name spaces, and what `Launch/install slurm` installs")
    }

    static var needsMounts: Self {
        .enabled(
            if: MountNamespace.isAllowed,
            "this user may not mount in a name space of his own (unshare --mount)")
    }
}
