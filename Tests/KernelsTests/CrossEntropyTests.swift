import Foundation
import Kernels
import Testing

@Suite struct CrossEntropyTests {
    @Test(arguments: [1, 5], [1, 2, 17, 101, 4099]) func agreesWithDouble(rows: Int, vocabulary: Int) {
        for (zLoss, spread) in [(0, 3), (0.02, 3), (0, 40)] as [(Float, Float)] {
            let test = Operands(rows: rows, vocabulary: vocabulary, spread: spread)
            let scale: Float = 0.125
            let wanted = reference(test, scale: Double(scale), zLoss: Double(zLoss))
            let found = run(test, scale: scale, zLoss: zLoss)
            let size = Double(spread) + log(Double(vocabulary))
            #expect(largestDifference(found.losses, wanted.losses) < 2e-7 * size + 1e-7)
            #expect(largestDifference(found.squares, wanted.squares) < 5e-7 * size * size + 1e-7)
            #expect(largestDifference(found.gradient, wanted.gradient) < 2e-6 * Double(scale))
        }
    }

    /// Every quotient of two probabilities is a quotient of exponentials: relative error over all that Float can hold.
    @Test func exponentialIsAccurateOnTheWholeRange() {
        let count = 8600
        // Tokens 0 and 1 have logit 0; 0 is the target, whose gradient says nothing of its probability.
        let logits = slice([0, 0] + (1...count).map { -Float($0) / 100 })
        crossEntropy(
            logits: logits, targets: [0], losses: unset(1), squares: unset(1), gradientScale: 1, zLoss: 0,
            on: ThreadTeam(size: 1))
        let one = Double(logits[1])
        for index in 2..<(count + 2) {
            let x = -Float(index - 1) / 100
            let wanted = exp(Double(x))
            // A hundredth of the smallest normal number may be lost where the probability itself is subnormal.
            #expect(abs(Double(logits[index]) - wanted * one) <= 3e-7 * wanted * one + 1e-40, "e^\(x)")
        }
    }

    @Test func tiesShareTheProbability() {
        for vocabulary in [2, 16, 33] {
            let logits = slice([Float](repeating: 7, count: vocabulary))
            let losses = unset(1)
            crossEntropy(
                logits: logits, targets: [1], losses: losses, squares: unset(1), gradientScale: 1, zLoss: 0,
                on: ThreadTeam(size: 1))
            #expect(abs(Double(losses[0]) - log(Double(vocabulary))) < 1e-6)
            let share = 1 / Double(vocabulary)
            #expect(largestDifference(logits.array, (0..<vocabulary).map { $0 == 1 ? share - 1 : share }) < 1e-7)
        }
    }

    @Test(arguments: [3, 16, 40], [1e4, -1e4] as [Float]) func extremeLogitsStayFinite(vocabulary: Int, extreme: Float)
    {
        var values = [Float](repeating: extreme, count: vocabulary)
        values[1] = -extreme
        for target in [0, 1] as [Int32] {
            let (logits, losses) = (slice(values), unset(1))
            crossEntropy(
                logits: logits, targets: [target], losses: losses, squares: unset(1), gradientScale: 1, zLoss: 0,
                on: ThreadTeam(size: 1))
            let winners = extreme > 0 ? vocabulary - 1 : 1
            let isWinner = (target == 1) == (extreme < 0)
            #expect(abs(Double(losses[0]) - log(Double(winners)) - (isWinner ? 0 : 2e4)) < 2e-3)
            let wanted = (0..<vocabulary).map { token in
                ((token == 1) == (extreme < 0) ? 1 / Double(winners) : 0) - (token == Int(target) ? 1 : 0)
            }
            #expect(largestDifference(logits.array, wanted) < 1e-6)
        }
    }

    @Test(arguments: [0, 20], [Float.nan, Float(nan: 1, signaling: false), .infinity])
    func aDivergedLogitShowsInTheLoss(place: Int, value: Float) {
        var values = randomFloats(40, seed: 5)
        values[place] = value
        let losses = unset(1)
        losses.fill(0)
        crossEntropy(
            logits: slice(values), targets: [3], losses: losses, squares: unset(1), gradientScale: nil, zLoss: 0,
            on: ThreadTeam(size: 1))
        #expect(!losses[0].isFinite, "the loss of \(String(value.bitPattern, radix: 16)) is \(losses[0])")
    }

    @Test func lossesDoNotDependOnTheGradientOrTheThreads() {
        let test = Operands(rows: 23, vocabulary: 301, spread: 5)
        let alone = run(test, scale: 0.1, zLoss: 0.01)
        let without = run(test, scale: nil, zLoss: 0.01)
        #expect(without.losses.bits == alone.losses.bits && without.squares.bits == alone.squares.bits)
        for size in [2, 3] {
            let together = run(test, scale: 0.1, zLoss: 0.01, threads: size)
            #expect(together.losses.bits == alone.losses.bits && together.squares.bits == alone.squares.bits)
            #expect(together.gradient.bits == alone.gradient.bits)
        }
    }

    @Test func noRowsAreNoWork() {
        let empty = FloatArena(count: 0).all
        crossEntropy(
            logits: empty, targets: [], losses: empty, squares: empty, gradientScale: 1, zLoss: 0,
            on: ThreadTeam(size: 2))
    }

    @Test func targetsOutsideTheVocabularyAreRefused() async {
        await #expect(processExitsWith: .failure) {
            let four = FloatArena(count: 4).all
            crossEntropy(
                logits: four, targets: [4], losses: four[0..<1], squares: four[1..<2], gradientScale: nil, zLoss: 0,
                on: ThreadTeam(size: 1))
        }
        await #expect(processExitsWith: .failure) {
            let four = FloatArena(count: 4).all
            crossEntropy(
                logits: four, targets: [-1], losses: four[0..<1], squares: four[1..<2], gradientScale: nil, zLoss: 0,
                on: ThreadTeam(size: 1))
        }
    }

    private struct Operands {
        let vocabulary: Int
        let logits: [Float]
        /// A slice whose indices do not begin at 0, as chunks of a batch are.
        let targets: ArraySlice<Int32>

        init(rows: Int, vocabulary: Int, spread: Float) {
            self.vocabulary = vocabulary
            logits = randomFloats(rows * vocabulary, seed: 1, in: -spread...spread)
            targets = ([-7, -7] + (0..<rows).map { Int32((3 + $0 * 5) % vocabulary) } + [-7]).dropFirst(2).dropLast()
        }
    }

    private func run(_ test: Operands, scale: Float?, zLoss: Float, threads: Int = 1)
        -> (losses: [Float], squares: [Float], gradient: [Float])
    {
        let (losses, squares) = (unset(test.targets.count), unset(test.targets.count))
        let logits = slice(test.logits)
        crossEntropy(
            logits: logits, targets: test.targets, losses: losses, squares: squares, gradientScale: scale,
            zLoss: zLoss, on: ThreadTeam(size: threads))
        return (losses.array, squares.array, logits.array)
    }

    private func reference(_ test: Operands, scale: Double, zLoss: Double)
        -> (losses: [Double], squares: [Double], gradient: [Double])
    {
        var (losses, squares, gradient) = ([Double](), [Double](), [Double]())
        for (row, target) in test.targets.enumerated() {
            let logits = test.logits[(row * test.vocabulary)..<((row + 1) * test.vocabulary)].map(Double.init)
            let top = logits.max()!
            let logSumExp = top + log(logits.reduce(0) { $0 + exp($1 - top) })
            losses.append(logSumExp - logits[Int(target)])
            squares.append(logSumExp * logSumExp)
            gradient += logits.enumerated().map { token, logit in
                let probability = exp(logit - logSumExp)
                let ofLoss = probability - (token == Int(target) ? 1 : 0)
                return scale * (ofLoss + zLoss * 2 * logSumExp * probability)
            }
        }
        return (losses, squares, gradient)
    }
}
