import Foundation
import LlamaModel
import Testing

@Suite struct SamplingTests {
    /// Probabilities 0.5, 0.3, 0.15, 0.05, not in order.
    private let logits = [0.15, 0.5, 0.05, 0.3].map { Float(log($0)) + 3 }

    @Test func temperatureZeroTakesTheMostLikely() {
        let greedy = Sampling(temperature: 0)
        #expect((0..<100).allSatisfy { greedy.token(logits, index: $0) == 1 })
        #expect(greedy.token([2, 7, 7, 1], index: 0) == 1, "the first of equals")
    }

    @Test func aSmallNucleusHoldsOnlyTheMostLikely() {
        for topP in [0, 1e-9, 0.49] {
            let sampling = Sampling(temperature: 1, topP: topP)
            #expect((0..<200).allSatisfy { sampling.token(logits, index: $0) == 1 }, "\(topP)")
        }
    }

    @Test(arguments: [
        (1.0, [0.15, 0.5, 0.05, 0.3]), (0.9, [0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95]), (0.6, [0, 0.625, 0, 0.375]),
    ])
    func tokensComeAsOftenAsTheyAreLikely(topP: Double, wanted: [Double]) {
        #expect(isClose(frequencies(Sampling(temperature: 1, topP: topP, seed: 3), logits), wanted))
    }

    @Test func temperatureSharpensAndFlattens() {
        for temperature in [0.5, 2] {
            let powers = [0.15, 0.5, 0.05, 0.3].map { pow($0, 1 / temperature) }
            let wanted = powers.map { $0 / powers.reduce(0, +) }
            #expect(isClose(frequencies(Sampling(temperature: temperature, topP: 1), logits), wanted))
        }
    }

    @Test func theSeedDecides() {
        func tokens(_ seed: UInt64) -> [Int32] {
            let sampling = Sampling(temperature: 1, topP: 1, seed: seed)
            return (0..<60).map { sampling.token(logits, index: $0) }
        }
        #expect(tokens(1) == tokens(1))
        #expect(tokens(1) != tokens(2))
        #expect(Set(tokens(1)).count > 2, "the position must matter")
    }

    @Test func extremeLogitsAreNoTrouble() {
        let sampling = Sampling(temperature: 0.01, topP: 1)
        #expect((0..<50).allSatisfy { sampling.token([-1e30, 1e30, 0, -.infinity], index: $0) == 1 })
        #expect(sampling.token([4], index: 0) == 0)
    }

    private func frequencies(_ sampling: Sampling, _ logits: [Float]) -> [Double] {
        let draws = 20_000
        var counts = [Int](repeating: 0, count: logits.count)
        for index in 0..<draws { counts[Int(sampling.token(logits, index: index))] += 1 }
        return counts.map { Double($0) / Double(draws) }
    }

    /// Within five standard deviations of 20 000 draws; what is excluded never comes.
    private func isClose(_ found: [Double], _ wanted: [Double]) -> Bool {
        zip(found, wanted).allSatisfy { abs($0 - $1) <= 5 * ($1 * (1 - $1) / 20_000).squareRoot() }
    }
}

@Suite struct GenerationTests {
    @Test(arguments: [1, 3]) func greedyTokensAreThoseOfFullForwards(kvHeads: Int) {
        let model = Llama.random(.tiny(kvHeads: kvHeads))
        var text = randomTokens(5)
        var generated: [Int32] = []
        model.generate(prompt: text, count: 25, sampling: Sampling(temperature: 0), endOfText: nil) {
            generated.append($0)
        }
        #expect(generated.count == 25)
        for token in generated {
            let logits = model.logits(of: text).last!
            #expect(token == Int32(logits.indices.max { logits[$0] < logits[$1] }!))
            text.append(token)
        }
    }

    @Test func endOfTextEndsAndIsNotEmitted() {
        let model = Llama.random(.tiny())
        let free = generate(model, count: 20, endOfText: nil)
        let stop = free[7]
        let stopped = generate(model, count: 20, endOfText: stop)
        #expect(stopped == Array(free.prefix { $0 != stop }))
        #expect(generate(model, count: 20, endOfText: free[0]).isEmpty)
    }

    @Test func theSeedDecides() {
        let model = Llama.random(.tiny())
        func text(_ seed: UInt64) -> [Int32] {
            generate(model, count: 20, sampling: Sampling(temperature: 1.5, topP: 1, seed: seed))
        }
        #expect(text(1) == text(1))
        #expect(text(1) != text(2))
    }

    @Test func theTextEndsWhereThePositionsEnd() {
        let model = Llama.random(.tiny(), maximumLength: 8)
        // Four more tokens can be read, and the last of them still predicts one.
        #expect(generate(model, count: 100).count == 5)
        #expect(generate(model, count: 1).count == 1)
        #expect(generate(model, count: 0).isEmpty)
    }

    @Test func whatEmitThrowsEndsTheText() {
        struct Stop: Error {}
        var count = 0
        #expect(throws: Stop.self) {
            try Llama.random(.tiny()).generate(prompt: [1], count: 9, sampling: Sampling(), endOfText: nil) { _ in
                count += 1
                if count == 3 { throw Stop() }
            }
        }
        #expect(count == 3)
    }

    private func generate(
        _ model: Llama, count: Int, sampling: Sampling = Sampling(temperature: 0), endOfText: Int32? = nil
    ) -> [Int32] {
        var tokens: [Int32] = []
        model.generate(prompt: randomTokens(4), count: count, sampling: sampling, endOfText: endOfText) {
            tokens.append($0)
        }
        return tokens
    }
}
