import Glibc

extension LlamaConfig {
    /// Radians per position of each pair of a head, [headDim/2]: θ^(−2j/headDim), scaled as `ropeScaling` says.
    /// The llama3 rule is that of Meta's Llama 3.1 reference and of Hugging Face's `modeling_rope_utils`.
    public var rotaryFrequencies: [Double] {
        (0..<(headDim / 2)).map { pair in
            let frequency = pow(ropeTheta, -2 * Double(pair) / Double(headDim))
            switch ropeScaling {
            case .none:
                return frequency
            case .linear(let factor):
                return frequency / factor
            case .llama3(let factor, let lowFreqFactor, let highFreqFactor, let originalMaxPositionEmbeddings):
                let turns = Double(originalMaxPositionEmbeddings) * frequency / (2 * .pi)
                if turns < lowFreqFactor { return frequency / factor }
                if turns > highFreqFactor { return frequency }
                let smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
                return (1 - smooth) * frequency / factor + smooth * frequency
            }
        }
    }
}
