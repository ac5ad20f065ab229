internal import COpenBLAS
import CPlatform
import Glibc

/// Which of its hand-written kernels OpenBLAS has chosen, and the remedy when it has chosen badly. The engine does not use
/// OpenBLAS; `bench gemm` compares with it, and should not flatter itself.
///
/// OpenBLAS picks when the library is loaded. On a CPU whose model number it does not know it may fall back to SSE3
/// (`Prescott`) and lose a factor of 5; the environment variable `OPENBLAS_CORETYPE` overrides it, but only if it is
/// there before the library is loaded. See OpenBLAS issue 4267.
public enum BLASKernel {
    /// The kernel in use, for example `SkylakeX`.
    public static var name: String { String(cString: openblas_get_corename()) }

    /// The kernels that use AVX-512, and those that use AVX2.
    private static let avx512: Set = ["SkylakeX", "Cooperlake", "SapphireRapids"]
    private static let avx2: Set = ["Haswell", "Zen", "Excavator"]

    /// The kernel to ask for when `chosen` wastes what the CPU can do; nil when the choice is good.
    public static func betterThan(_ chosen: String, hasAVX512: Bool, hasAVX2: Bool) -> String? {
        if hasAVX512 { return avx512.contains(chosen) ? nil : "SkylakeX" }
        if hasAVX2 { return avx2.contains(chosen) || avx512.contains(chosen) ? nil : "Haswell" }
        return nil
    }

    /// Starts this program anew with the right kernel if OpenBLAS chose badly and the user did not choose. Call it before
    /// MPI starts. Returns when nothing has to change; sets OpenBLAS to one thread.
    public static func prepare() {
        openblas_set_num_threads(1)
        guard getenv("OPENBLAS_CORETYPE") == nil,
            let better = betterThan(
                name, hasAVX512: cplatform_has_avx512() == 1, hasAVX2: cplatform_has_avx2() == 1)
        else { return }
        setenv("OPENBLAS_CORETYPE", better, 1)
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &arguments)
        // Only a failed exec returns; the run is then slow, but right.
        for argument in arguments { free(argument) }
    }
}
