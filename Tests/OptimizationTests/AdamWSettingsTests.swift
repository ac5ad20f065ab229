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

    @Test func problemsNameTheKeys() {
        #expect(AdamWSettings().problems.isEmpty)
        var settings = AdamWSettings()
        settings.beta1 = 1
        settings.beta2 = -0.1
        settings.epsilon = 0
        settings.weightDecay = .infinity
        settings.maxGradNorm = .nan
        let keys = ["beta1", "beta2", "epsilon", "weight_decay", "max_grad_norm"]
        #expect(settings.problems.count == keys.count)
        for (problem, key) in zip(settings.problems, keys) { #expect(problem.hasPrefix(key)) }
    }
}
