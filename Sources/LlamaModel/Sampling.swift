import Glibc

/// How the next token is drawn from its logits.
public struct Sampling: Sendable {
    /// Divides the logits; 0 always takes the most likely token.
    public var temperature: Double
    /// Draws among the most likely tokens that together have this probability (Holtzman et al., arXiv 1904.09751).
    public var topP: Double
    private let random: RandomNumbers

    public init(temperature: Double = 0.8, topP: Double = 0.95, seed: UInt64 = 0) {
        self.temperature = temperature
        self.topP = topP
        random = RandomNumbers(seed: seed)
    }

    /// The token for position `index` of the text; the same for the same seed, position and logits.
    public func token(_ logits: [Float], index: Int) -> Int32 {
        let ranked = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }
        if temperature <= 0 { return Int32(ranked[0]) }
        let top = Double(logits[ranked[0]])
        let weights = ranked.map { exp((Double(logits[$0]) - top) / temperature) }
        let target = topP * weights.reduce(0, +)
        var kept = 0
        var mass = 0.0
        repeat {
            mass += weights[kept]
            kept += 1
        } while kept < weights.count && mass < target
        var point = random.uniform(UInt64(index)) * mass
        for rank in 0..<kept {
            point -= weights[rank]
            if point < 0 { return Int32(ranked[rank]) }
        }
        return Int32(ranked[kept - 1])
    }
}

extension Llama {
    /// Continues `prompt` by up to `count` tokens, calling `emit` with each; stops after `endOfText` or at the longest text
    /// that the rotary table reaches. The prompt must not be empty.
    public func generate(
        prompt: [Int32], count: Int, sampling: Sampling, endOfText: Int32?, emit: (Int32) throws -> Void
    ) rethrows {
        let cache = KeyValueCache(config, capacity: min(maximumLength, prompt.count + min(count, maximumLength)))
        var logits = extend(cache, with: prompt)
        for index in 0..<count {
            let token = sampling.token(logits, index: index)
            if token == endOfText { return }
            try emit(token)
            if cache.count == cache.capacity || index == count - 1 { return }
            logits = extend(cache, with: [token])
        }
    }
}
