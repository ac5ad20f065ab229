import LlamaModel
import Testing

@Suite struct RandomNumbersTests {
    @Test func numbersArePureFunctionsOfSeedStreamAndIndex() {
        let (one, same) = (RandomNumbers(seed: 3, stream: 4), RandomNumbers(seed: 3, stream: 4))
        let forwards = (0..<50).map { one.bits($0) }
        let backwards = (0..<50).reversed().map { same.bits($0) }
        #expect(forwards == Array(backwards.reversed()))
        for (seed, stream) in [(4, 4), (3, 5), (4, 3)] as [(UInt64, UInt64)] {
            let other = RandomNumbers(seed: seed, stream: stream)
            #expect((0..<50).allSatisfy { other.bits($0) != one.bits($0) })
        }
    }

    /// Neighbouring seeds, streams and indices must not give the same sequence a little later.
    @Test func nothingRepeats() {
        var seen = Set<UInt64>()
        for seed in 0..<10 as Range<UInt64> {
            for stream in 0..<10 as Range<UInt64> {
                let random = RandomNumbers(seed: seed, stream: stream)
                for index in 0..<100 as Range<UInt64> { seen.insert(random.bits(index)) }
            }
        }
        #expect(seen.count == 10_000)
    }

    @Test func uniformNumbersFillTheUnitInterval() {
        let random = RandomNumbers(seed: 1)
        var histogram = [Int](repeating: 0, count: 20)
        for index in 0..<40_000 as Range<UInt64> {
            let number = random.uniform(index)
            #expect(number >= 0 && number < 1)
            histogram[Int(number * 20)] += 1
        }
        // 2000 each, standard deviation 44.
        #expect(histogram.allSatisfy { abs($0 - 2000) < 220 }, "\(histogram)")
    }

    @Test func normalNumbersHaveTheirMoments() {
        let random = RandomNumbers(seed: 2)
        let count = 50_000
        let numbers = (0..<UInt64(count)).flatMap { pair -> [Double] in
            let (a, b) = random.normalPair(pair)
            return [a, b]
        }
        func mean(_ f: (Double) -> Double) -> Double { numbers.reduce(0) { $0 + f($1) } / Double(numbers.count) }
        #expect(abs(mean { $0 }) < 0.015)
        #expect(abs(mean { $0 * $0 } - 1) < 0.02)
        #expect(abs(mean { $0 * $0 * $0 }) < 0.05)
        #expect(abs(mean { $0 * $0 * $0 * $0 } - 3) < 0.15)
        let products = stride(from: 0, to: numbers.count, by: 2).reduce(0) { $0 + numbers[$1] * numbers[$1 + 1] }
        #expect(abs(products / Double(count)) < 0.02, "the two numbers of a pair depend on each other")
        #expect(numbers.allSatisfy { abs($0) < 7 })
    }
}
