import Kernels
import LlamaModel
import Testing

@Suite struct InitializationTests {
    /// Tensors of 30 000 numbers and more: the deviation of a sample is then within 2 % of the true one.
    private static let config: LlamaConfig = {
        var config = LlamaConfig()
        config.hiddenSize = 192
        config.intermediateSize = 200
        config.numHiddenLayers = 8
        config.numAttentionHeads = 3
        config.numKeyValueHeads = 3
        config.headDim = 64
        config.vocabSize = 300
        config.initializerRange = 0.05
        return config
    }()

    @Test func matricesAreNormalAndNormsOne() {
        let layout = ParameterLayout(Self.config)
        let parameters = initialized(seed: 1)
        for tensor in layout.tensors {
            let values = parameters[tensor.range].map(Double.init)
            if !tensor.isMatrix {
                #expect(values.allSatisfy { $0 == 1 }, "\(tensor.name)")
                continue
            }
            let intoResidual = tensor.name.contains("o_proj") || tensor.name.contains("down_proj")
            // Of 8 layers: 1/√16.
            let deviation = intoResidual ? 0.05 / 4 : 0.05
            let mean = values.reduce(0, +) / Double(values.count)
            let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
            #expect(abs(mean) < 0.03 * deviation, "\(tensor.name)")
            #expect(abs(variance.squareRoot() / deviation - 1) < 0.02, "\(tensor.name)")
            let beyondOneDeviation = values.count { abs($0) > deviation }
            #expect(abs(Double(beyondOneDeviation) / Double(values.count) - 0.3173) < 0.015, "\(tensor.name)")
        }
    }

    @Test func noTwoTensorsAreAlike() {
        let layout = ParameterLayout(Self.config)
        let parameters = initialized(seed: 1)
        let beginnings = layout.tensors.filter(\.isMatrix).map { Array(parameters[$0.range].prefix(4)) }
        #expect(Set(beginnings).count == beginnings.count)
    }

    @Test func theSeedDecides() {
        let (one, again, other) = (initialized(seed: 1), initialized(seed: 1), initialized(seed: 2))
        let isEqual = one == again
        #expect(isEqual)
        #expect(zip(one, other).count { $0 != $1 } > 1_000_000)
    }

    /// Ranks fill ranges that begin and end anywhere: inside a tensor, at odd places, in the middle of a pair.
    @Test(arguments: [false, true]) func ranksMayShareTheWork(tied: Bool) {
        let config = LlamaConfig.tiny(kvHeads: 1, tied: tied)
        let layout = ParameterLayout(config)
        let whole = FloatArena(count: layout.count).all
        layout.initialize(whole, range: 0..<layout.count, config: config, seed: 9)
        let norm = layout.blocks[0].inputNorm.lowerBound
        for cuts in [[1], [2], [layout.count / 2 | 1], [norm - 1, norm, norm + 1, norm + 2, norm + 60], [7, 8, 7001]] {
            let parts = FloatArena(count: layout.count).all
            let borders = [0] + cuts + [layout.count]
            for (begin, end) in zip(borders, borders.dropFirst()).reversed() {
                layout.initialize(parts, range: begin..<end, config: config, seed: 9)
            }
            let isEqual = parts.array == whole.array
            #expect(isEqual, "cut at \(cuts)")
        }
    }

    @Test func onlyTheRangeIsTouched() {
        let config = LlamaConfig.tiny()
        let layout = ParameterLayout(config)
        let parameters = FloatArena(count: layout.count).all
        parameters.fill(.nan)
        layout.initialize(parameters, range: 501..<5000, config: config, seed: 9)
        #expect(parameters.array.enumerated().allSatisfy { $1.isNaN == !(501..<5000).contains($0) })
    }

    private func initialized(seed: UInt64) -> [Float] {
        let layout = ParameterLayout(Self.config)
        let parameters = FloatArena(count: layout.count).all
        layout.initialize(parameters, range: 0..<layout.count, config: Self.config, seed: seed)
        return parameters.array
    }
}
