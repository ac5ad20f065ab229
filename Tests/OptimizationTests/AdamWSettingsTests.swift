import Optimization
import Testing

@Suite struct AdamWSettingsTests {
    /// From PyTorch 2.13: `clip_grad_norm_` of [3, -4, 1, .5, 2, -1, .25] with 1.0.
    @Test func scaleIsThatOfPyTorch() {
        let norm = [3, -4, 1, 0.5, 2, -1, 0.25].reduce(0.0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(norm - 5.595757484436035) < 1e-6)
        #expect(abs(gradientScale(norm: norm, maxNorm: 1) - 0.17870678007602692) < 1e-7)
    }

    @Test func smallGradientsAndNoLimitLeaveTheScaleAtExactlyOne() {
        #expect(gradientScale(norm: 0.5, maxNorm: 1) == 1)
        #expect(gradientScale(norm: 0, maxNorm: 1) == 1)
        #expect(gradientScale(norm: 1e9, maxNorm: 0) == 1)
        #expect(gradientScale(norm: 1e9, maxNorm: -1) == 1)
        // As in PyTorch, a norm at the limit is already scaled, by the epsilon.
        #expect(gradientScale(norm: 1, maxNorm: 1) < 1)
    }

    @Test func faultyNormsAreNotHidden() {
        #expect(gradientScale(norm: .nan, maxNorm: 1).isNaN)
        #expect(gradientScale(norm: .infinity, maxNorm: 1) == 0)
    }
}
