import CPlatform
import Checkpoints

/// What computed the numbers.
public enum Version {
    public static let jregDist = "0.1.0"

    /// The Swift language version of the compiler, as far as the language tells.
    static var swift: String {
        #if compiler(>=6.4)
            "6.4 or later"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }

    static var instructionSet: String { unsafe String(cString: cplatform_instruction_set()) }

    static var libc: String { unsafe "glibc " + String(cString: cplatform_libc()) }

    static var all: TrainerState.Versions {
        TrainerState.Versions(jregDist: jregDist, swift: swift, instructionSet: instructionSet)
    }
}
