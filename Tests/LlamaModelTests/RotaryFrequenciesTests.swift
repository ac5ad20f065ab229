import Foundation
import LlamaModel
import Testing

@Suite struct RotaryFrequenciesTests {
    @Test func plainFrequenciesAreAGeometricSeries() {
        var config = LlamaConfig()
        config.headDim = 8
        #expect(isClose(config.rotaryFrequencies, [1, 0.1, 0.01, 0.001]))
        config.headDim = 2
        #expect(config.rotaryFrequencies == [1])
        config.headDim = 4
        config.ropeTheta = 250_000
        #expect(isClose(config.rotaryFrequencies, [1, 0.002]))
    }

    @Test func linearScalingDividesThemAll() {
        var config = LlamaConfig()
        config.headDim = 8
        config.ropeScaling = .linear(factor: 4)
        #expect(isClose(config.rotaryFrequencies, [0.25, 0.025, 0.0025, 0.00025]))
    }

    /// By the published rule, which speaks of wavelengths: those below original/high are kept, those above original/low
    /// are stretched by the factor, and a ramp in original/wavelength joins the two.
    @Test(arguments: [
        (500_000.0, 128, 8.0, 1.0, 4.0, 8192), (500_000, 64, 32, 1, 4, 8192), (10_000, 8, 8, 1, 4, 128),
        (10_000, 64, 2, 1.5, 20, 2048),
    ]) func llama3StretchesLongWavelengths(
        theta: Double, headDim: Int, factor: Double, low: Double, high: Double, original: Int
    ) {
        var config = LlamaConfig()
        config.ropeTheta = theta
        config.headDim = headDim
        let plain = config.rotaryFrequencies
        config.ropeScaling = .llama3(
            factor: factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositionEmbeddings: original)
        var branches = Set<String>()
        let expected = plain.map { frequency in
            let wavelength = 2 * Double.pi / frequency
            if wavelength < Double(original) / high {
                branches.insert("kept")
                return frequency
            }
            if wavelength > Double(original) / low {
                branches.insert("stretched")
                return frequency / factor
            }
            branches.insert("between")
            let smooth = (Double(original) / wavelength - low) / (high - low)
            return (1 - smooth) * frequency / factor + smooth * frequency
        }
        #expect(branches == ["kept", "between", "stretched"], "the case does not reach every branch")
        #expect(isClose(config.rotaryFrequencies, expected))
    }

    /// θ = 10⁴ and 8 dimensions: frequencies 1, 0.1, 0.01, 0.001, wavelengths 6.28, 62.8, 628, 6283. With bounds 32 and
    /// 128 the first is kept, the last two are divided by 8, and the second has 128·0.1/2π = 2.0372 turns: a third of the
    /// way, (2.0372 − 1)/3 = 0.34573, from 0.0125 to 0.1.
    @Test func llama3ByHand() {
        var config = LlamaConfig()
        config.headDim = 8
        config.ropeScaling = .llama3(
            factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 128)
        #expect(isClose(config.rotaryFrequencies, [1, 0.042_751_5, 0.00125, 0.000125], tolerance: 1e-5))
    }

    private func isClose(_ a: [Double], _ b: [Double], tolerance: Double = 1e-12) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * abs($1) }
    }
}
