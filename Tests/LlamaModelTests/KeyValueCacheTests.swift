import LlamaModel
import Testing

/// Generation row by row against full forward passes.
@Suite struct KeyValueCacheTests {
    static let configs: [LlamaConfig] = {
        var scaled = LlamaConfig.tiny(kvHeads: 1, tied: true)
        scaled.ropeScaling = .llama3(
            factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 32)
        return [.tiny(), .tiny(kvHeads: 1), scaled]
    }()

    @Test(arguments: configs, [[1], [2, 3], [7, 1, 4], [30]]) func extendingEqualsTheFullForward(
        config: LlamaConfig, chunks: [Int]
    ) {
        let model = Llama.random(config)
        let text = randomTokens(30)
        let wanted = model.logits(of: text)
        let cache = KeyValueCache(config, capacity: 30)
        // The chunk sizes repeat until the text is used up.
        var step = 0
        while cache.count < text.count {
            let end = min(text.count, cache.count + chunks[step % chunks.count])
            let logits = model.extend(cache, with: Array(text[cache.count..<end]))
            #expect(cache.count == end)
            #expect(largestDifference(logits, wanted[end - 1]) < 1e-4, "after \(end) tokens")
            step += 1
        }
    }

    @Test func threadsChangeNoBit() {
        let text = randomTokens(30)
        let logits = [1, 3].map { threads in
            let model = Llama.random(.tiny(), threads: threads)
            let cache = KeyValueCache(model.config, capacity: 31)
            return [model.extend(cache, with: text), model.extend(cache, with: [5])]
        }
        #expect(logits[0] == logits[1])
    }

    @Test func twoTextsDoNotMix() {
        let model = Llama.random(.tiny(kvHeads: 1))
        let (one, other) = (KeyValueCache(model.config, capacity: 9), KeyValueCache(model.config, capacity: 9))
        _ = model.extend(one, with: [1, 2, 3])
        _ = model.extend(other, with: [4, 5])
        let logits = model.extend(one, with: [6])
        #expect(largestDifference(logits, model.logits(of: [1, 2, 3, 6])[3]) < 1e-4)
    }

    @Test func whatDoesNotFitIsRefused() async {
        await #expect(processExitsWith: .failure) {
            let model = Llama.random(.tiny())
            let cache = KeyValueCache(model.config, capacity: 3)
            _ = model.extend(cache, with: [1, 2])
            _ = model.extend(cache, with: [1, 2])
        }
        await #expect(processExitsWith: .failure) {
            let model = Llama.random(.tiny())
            _ = model.extend(KeyValueCache(model.config, capacity: 3), with: [])
        }
        await #expect(processExitsWith: .failure) {
            let model = Llama.random(.tiny(), maximumLength: 2)
            _ = model.extend(KeyValueCache(model.config, capacity: 9), with: [1, 2, 3])
        }
    }
}
