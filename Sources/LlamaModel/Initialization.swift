import Kernels

extension ParameterLayout {
    /// Fills `range` of the arena with initial weights: normal with `initializerRange`, of which the projections into the
    /// residual stream (o_proj, down_proj) get 1/√(2L) (as in GPT-2, Radford et al. 2019); norm weights are 1.
    /// Each number depends on the seed and its place alone, so the ranks may share the work in any way.
    public func initialize(_ parameters: FloatSlice, range: Range<Int>, config: LlamaConfig, seed: UInt64) {
        let residualScale = 1 / (2 * Double(config.numHiddenLayers)).squareRoot()
        for (index, tensor) in tensors.enumerated() {
            let part = tensor.range.clamped(to: range)
            if part.isEmpty { continue }
            if !tensor.isMatrix {
                parameters[part].fill(1)
                continue
            }
            let entersResidual = tensor.name.hasSuffix("o_proj.weight") || tensor.name.hasSuffix("down_proj.weight")
            fillNormal(
                parameters[part], firstElement: part.lowerBound - tensor.range.lowerBound,
                deviation: config.initializerRange * (entersResidual ? residualScale : 1),
                RandomNumbers(seed: seed, stream: UInt64(index)))
        }
    }

    private func fillNormal(_ slice: FloatSlice, firstElement: Int, deviation: Double, _ random: RandomNumbers) {
        let last = firstElement + slice.count
        for pair in (firstElement / 2)..<((last + 1) / 2) {
            let (even, odd) = random.normalPair(UInt64(pair))
            if 2 * pair >= firstElement { slice[2 * pair - firstElement] = Float(deviation * even) }
            if 2 * pair + 1 < last { slice[2 * pair + 1 - firstElement] = Float(deviation * odd) }
            if pair % 65_536 == 0 { Vitals.beat() }
        }
    }
}
