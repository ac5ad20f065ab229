import Foundation
import Testing

/// What a test needs of the machine. Where it is missing the test is skipped, and says why.
extension Trait where Self == ConditionTrait {
    static var needsMPI: Self { .enabled(if: MPI.isInstalled, "skipped: there is no mpirun on the PATH") }

    static var needsOracle: Self {
        .enabled(
            if: Oracle.python != nil,
            "skipped: JREG_ORACLE_PYTHON names no Python with torch and transformers (Launch/test installs one)")
    }

    static var needsMounts: Self {
        .enabled(
            if: MountNamespace.isAllowed,
            "skipped: this user may not mount in a name space of his own (unshare --mount)")
    }
}
