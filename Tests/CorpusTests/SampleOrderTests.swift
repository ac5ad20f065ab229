import Corpus
import Testing

@Suite struct SampleOrderTests {
    func order(_ count: Int, seed: UInt64 = 1, fingerprint: String = "0123456789abcdef", shuffle: Bool = true)
        -> SampleOrder
    {
        SampleOrder(seed: seed, windowCount: count, fingerprint: fingerprint, shuffle: shuffle)
    }

    @Test func everyEpochIsAPermutationForEverySize() {
        for count in Array(1...1000) + [4095, 4096, 4097, 65_537] {
            let order = order(count)
            for epoch in 0..<2 {
                let windows = (0..<count).map { order.window(ofSample: epoch * count + $0) }
                #expect(windows.sorted() == Array(0..<count), "size \(count), epoch \(epoch)")
            }
        }
    }

    @Test(arguments: [3_000_000_007, 1 << 40, (1 << 40) + 1])
    func largeSizesHaveNoCollisionsAndFillTheRange(count: Int) {
        let order = order(count)
        let samples = 200_000
        // Far into the second epoch, where an overflow would show.
        let windows = (0..<samples).map { order.window(ofSample: count + count / 2 + $0) }
        #expect(Set(windows).count == samples)
        #expect(windows.allSatisfy { (0..<count).contains($0) })
        let mean = windows.reduce(0.0) { $0 + Double($1) / Double(count) } / Double(samples)
        // The mean of as many uniform numbers has a standard deviation of 0.00065.
        #expect(abs(mean - 0.5) < 0.004)
    }

    @Test func neighboursEndUpFarApart() {
        let count = 100_000
        let order = order(count)
        let windows = (0..<count).map { Double(order.window(ofSample: $0)) }
        let neighbours = zip(windows, windows.dropFirst()).count { abs($0 - $1) <= 10 }
        // By chance 20 in 100 000.
        #expect(neighbours < 60)
        let mean = Double(count - 1) / 2
        let covariance = zip(windows.indices, windows).reduce(0.0) { $0 + (Double($1.0) - mean) * ($1.1 - mean) }
        let variance = windows.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) }
        #expect(abs(covariance / variance) < 0.02)
    }

    /// All orders of a few windows must come up about equally often over the seeds.
    @Test(arguments: [2, 3, 4, 5]) func smallPermutationsAreUniform(count: Int) {
        let seeds = 24_000
        var seen: [[Int]: Int] = [:]
        for seed in 0..<UInt64(seeds) {
            let order = order(count, seed: seed)
            seen[(0..<count).map { order.window(ofSample: $0) }, default: 0] += 1
        }
        let permutations = (1...count).reduce(1, *)
        let expected = Double(seeds) / Double(permutations)
        #expect(seen.count == permutations)
        let chiSquare = seen.values.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // Mean k − 1, variance 2 (k − 1): five standard deviations.
        let freedom = Double(permutations - 1)
        #expect(chiSquare < freedom + 5 * (2 * freedom).squareRoot() + 5)
    }

    @Test func seedEpochAndDataEachChangeTheOrder() {
        let count = 1000
        func windows(_ order: SampleOrder, epoch: Int) -> [Int] {
            (0..<count).map { order.window(ofSample: epoch * count + $0) }
        }
        let base = windows(order(count), epoch: 0)
        for other in [
            windows(order(count), epoch: 1), windows(order(count, seed: 2), epoch: 0),
            windows(order(count, fingerprint: "0123456789abcdee"), epoch: 0),
        ] {
            // Two random permutations agree in one place on average.
            #expect(zip(base, other).count { $0 == $1 } < 10)
        }
        #expect(windows(order(count), epoch: 0) == base)
    }

    @Test func unshuffledIsTheOrderOfTheFiles() {
        let order = order(7, shuffle: false)
        #expect((0..<16).map { order.window(ofSample: $0) } == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1])
    }

    /// Checkpoints hold a position in this order, so it may not change without a new format version.
    @Test func theOrderIsPinned() {
        let order = order(1000, seed: 42)
        #expect((0..<6).map { order.window(ofSample: $0) } == [657, 757, 977, 548, 9, 459])
        #expect(order.window(ofSample: 123_456_789) == 802)
    }
}
