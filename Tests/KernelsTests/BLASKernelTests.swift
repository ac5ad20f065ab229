import Kernels
import Testing

@Suite struct BLASKernelTests {
    @Test(
        arguments: [
            // Too old for the CPU.
            ("Prescott", true, true, "SkylakeX"), ("Haswell", true, true, "SkylakeX"), ("Zen", true, true, "SkylakeX"),
            ("Prescott", false, true, "Haswell"), ("Core2", false, true, "Haswell"),
            ("Sandybridge", false, true, "Haswell"),
            // Good.
            ("SkylakeX", true, true, nil), ("Cooperlake", true, true, nil), ("SapphireRapids", true, true, nil),
            ("Zen", false, true, nil), ("Haswell", false, true, nil), ("Excavator", false, true, nil),
            // Nothing better would run.
            ("Prescott", false, false, nil), ("Nehalem", false, false, nil), ("Haswell", false, false, nil),
        ] as [(String, Bool, Bool, String?)])
    func aBetterKernelIsAskedForOnlyWhereItRuns(chosen: String, avx512: Bool, avx2: Bool, wanted: String?) {
        #expect(BLASKernel.betterThan(chosen, hasAVX512: avx512, hasAVX2: avx2) == wanted)
    }

    @Test func theKernelThatWasAskedForIsGoodEnough() {
        for (avx512, avx2) in [(true, true), (false, true)] {
            let better = BLASKernel.betterThan("Prescott", hasAVX512: avx512, hasAVX2: avx2)
            #expect(better.map { BLASKernel.betterThan($0, hasAVX512: avx512, hasAVX2: avx2) } == .some(nil))
        }
    }

    @Test func openBLASTellsItsKernel() { #expect(!BLASKernel.name.isEmpty) }
}
