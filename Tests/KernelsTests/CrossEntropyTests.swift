import Foundation
import Kernels
import Testing

/// The projection to the vocabulary and its cross-entropy against their definitions in Double.
@Suite struct CrossEntropyTests {
    @Test(arguments: [1, 5, 201], [1, 2, 17, 384, 385, 1201]) func agreesWithDouble(rows: Int, vocabulary: Int) {
        for (zLoss, spread) in [(0, 3), (0.02, 3), (0, 40)] as [(Float, Float)] {
            let test = Projection(rows: rows, width: 9, vocabulary: vocabulary, spread: spread)
            let scale: Float = 0.125
            let wanted = test.reference(scale: Double(scale), zLoss: Double(zLoss))
            let found = test.run(scale: scale, zLoss: zLoss)
            let size = 3 * Double(spread) + log(Double(vocabulary))
            #expect(largestDifference(found.losses, wanted.losses) < 1e-6 * size)
            #expect(largestDifference(found.squares, wanted.squares) < 2e-6 * size * size)
            let weightSize = Double(spread) * Double(scale)
            #expect(largestDifference(found.dHidden, wanted.dHidden) < 2e-5 * weightSize)
            #expect(largestDifference(found.dWeight, wanted.dWeight) < 2e-5 * Double(scale) * Double(rows).squareRoot())
        }
    }

    /// Widths and row counts beyond one block of every loop: depth 768, 192 rows.
    @Test(arguments: [(13, 1601, 402), (400, 785, 100)]) func largeShapesAgreeToo(
        rows: Int, width: Int, vocabulary: Int
    ) {
        let test = Projection(rows: rows, width: width, vocabulary: vocabulary, spread: 0.1)
        let wanted = test.reference(scale: 1, zLoss: 0)
        let found = test.run(scale: 1, zLoss: 0)
        #expect(largestDifference(found.losses, wanted.losses) < 1e-5)
        #expect(largestDifference(found.dHidden, wanted.dHidden) < 1e-6)
        #expect(largestDifference(found.dWeight, wanted.dWeight) < 1e-4)
    }

    @Test func addsToTheWeightGradientWhereAsked() {
        let test = Projection(rows: 7, width: 20, vocabulary: 500, spread: 2)
        let fresh = test.run(scale: 1, zLoss: 0)
        let start = randomFloats(500 * 20, seed: 9)
        let added = test.run(scale: 1, zLoss: 0, startingWith: start)
        #expect(zip(zip(start, fresh.dWeight), added.dWeight).allSatisfy { abs($0.0 + $0.1 - $1) < 1e-5 })
        #expect(added.dHidden.bits == fresh.dHidden.bits)
    }

    @Test func tiesShareTheProbability() {
        for vocabulary in [2, 16, 33, 400] {
            let found = Logits([Float](repeating: 7, count: vocabulary)).run(target: 1)
            #expect(abs(Double(found.loss) - log(Double(vocabulary))) < 1e-6)
            let share = 1 / Double(vocabulary)
            let wanted = (0..<vocabulary).map { $0 == 1 ? share - 1 : share }
            #expect(largestDifference(found.gradient, wanted) < 1e-7)
        }
    }

    /// Groups of columns whose maxima are far apart, up to where a probability leaves the normal numbers.
    @Test func smallProbabilitiesAreAccurate() {
        // Tokens 0 and 1 have logit 0; 0 is the target, whose gradient says nothing of its probability.
        let values = [0, 0] + (1...8600).map { -Float($0) / 100 }
        let gradient = Logits(values).run(target: 0).gradient
        let one = Double(gradient[1])
        for (logit, found) in zip(values, gradient).dropFirst(2) {
            let wanted = exp(Double(logit)) * one
            #expect(abs(Double(found) - wanted) <= 5e-7 * wanted + 1e-38, "e^\(logit)")
        }
    }

    @Test(arguments: [3, 40, 800], [1e4, -1e4] as [Float]) func extremeLogitsStayFinite(
        vocabulary: Int, extreme: Float
    ) {
        var values = [Float](repeating: extreme, count: vocabulary)
        values[1] = -extreme
        for target in [0, 1] as [Int32] {
            let found = Logits(values).run(target: target)
            let winners = extreme > 0 ? vocabulary - 1 : 1
            let isWinner = (target == 1) == (extreme < 0)
            #expect(abs(Double(found.loss) - log(Double(winners)) - (isWinner ? 0 : 2e4)) < 2e-3)
            let wanted = (0..<vocabulary).map { token in
                ((token == 1) == (extreme < 0) ? 1 / Double(winners) : 0) - (token == Int(target) ? 1 : 0)
            }
            #expect(largestDifference(found.gradient, wanted) < 1e-6)
        }
    }

    @Test(arguments: [0, 20, 390], [Float.nan, Float(nan: 1, signaling: false), .infinity])
    func aDivergedLogitShowsInTheLoss(place: Int, value: Float) {
        var values = randomFloats(400, seed: 5)
        values[place] = value
        let loss = Logits(values).run(target: 3).loss
        #expect(!loss.isFinite, "the loss of \(String(value.bitPattern, radix: 16)) is \(loss)")
    }

    @Test func lossesDoNotDependOnTheGradientOrTheThreads() {
        let test = Projection(rows: 23, width: 33, vocabulary: 1601, spread: 5)
        let alone = test.run(scale: 0.1, zLoss: 0.01)
        for threads in [1, 2, 3] {
            let without = test.runForward(threads: threads)
            #expect(without.losses.bits == alone.losses.bits && without.squares.bits == alone.squares.bits)
        }
        for threads in [2, 3, 7] {
            let together = test.run(scale: 0.1, zLoss: 0.01, threads: threads)
            #expect(together.losses.bits == alone.losses.bits && together.squares.bits == alone.squares.bits)
            #expect(together.dHidden.bits == alone.dHidden.bits && together.dWeight.bits == alone.dWeight.bits)
        }
    }

    @Test func noRowsAreNoWork() {
        let test = Projection(rows: 0, width: 4, vocabulary: 10, spread: 1)
        let found = test.run(scale: 1, zLoss: 0, startingWith: [Float](repeating: 2, count: 40))
        #expect(found.losses.isEmpty && found.dWeight.allSatisfy { $0 == 2 })
    }

    @Test func targetsOutsideTheVocabularyAreRefused() async {
        await #expect(processExitsWith: .failure) { _ = Logits([1, 2, 3, 4]).run(target: 4) }
        await #expect(processExitsWith: .failure) { _ = Logits([1, 2, 3, 4]).run(target: -1) }
    }
}

/// One row of given logits: a hidden state of 1 and a table of them.
private struct Logits {
    private let test: Projection

    init(_ values: [Float]) {
        test = Projection(width: 1, vocabulary: values.count, hidden: [1], weight: values, targets: [0])
    }

    func run(target: Int32) -> (loss: Float, gradient: [Float]) {
        var test = test
        test.targets = [target]
        let found = test.run(scale: 1, zLoss: 0)
        return (found.losses[0], found.dWeight)
    }
}

private struct Projection {
    let width: Int
    let vocabulary: Int
    let hidden: [Float]
    let weight: [Float]
    var targets: ArraySlice<Int32>

    var rows: Int { targets.count }

    init(width: Int, vocabulary: Int, hidden: [Float], weight: [Float], targets: [Int32]) {
        (self.width, self.vocabulary, self.hidden, self.weight) = (width, vocabulary, hidden, weight)
        self.targets = targets[...]
    }

    init(rows: Int, width: Int, vocabulary: Int, spread: Float) {
        self.init(
            width: width, vocabulary: vocabulary, hidden: randomFloats(rows * width, seed: 1),
            weight: randomFloats(vocabulary * width, seed: 2, in: -spread...spread), targets: [])
        // A slice whose indices do not begin at 0, as chunks of a batch are.
        targets = ([-7, -7] + (0..<rows).map { Int32((3 + $0 * 5) % vocabulary) } + [-7]).dropFirst(2).dropLast()
    }

    func run(scale: Float, zLoss: Float, threads: Int = 1, startingWith start: [Float]? = nil)
        -> (losses: [Float], squares: [Float], dHidden: [Float], dWeight: [Float])
    {
        let team = ThreadTeam(size: threads)
        let shape = shape(hasGradient: true, threads)
        let (losses, squares, scratch) = (unset(rows), unset(rows), unset(shape.scratchCount))
        let (hidden, weight) = (slice(hidden), slice(weight))
        let dWeight = start.map { slice($0) } ?? unset(weight.count)
        crossEntropyForward(
            shape, hidden: hidden, weight: weight, targets: targets, losses: losses, squares: squares,
            gradientScale: scale, zLoss: zLoss, scratch: scratch, on: team)
        // As the engine does: the gradient takes the place of the hidden states.
        crossEntropyBackward(
            shape, dHidden: hidden, dWeight: dWeight, accumulate: start != nil, hidden: hidden, weight: weight,
            targets: targets, gradientScale: scale, scratch: scratch, on: team)
        return (losses.array, squares.array, hidden.array, dWeight.array)
    }

    func runForward(threads: Int) -> (losses: [Float], squares: [Float]) {
        let shape = shape(hasGradient: false, threads)
        let (losses, squares) = (unset(rows), unset(rows))
        crossEntropyForward(
            shape, hidden: slice(hidden), weight: slice(weight), targets: targets, losses: losses, squares: squares,
            gradientScale: 1, zLoss: 0, scratch: unset(shape.scratchCount), on: ThreadTeam(size: threads))
        return (losses.array, squares.array)
    }

    private func shape(hasGradient: Bool, _ threads: Int) -> CrossEntropyShape {
        CrossEntropyShape(
            rows: rows, width: width, vocabulary: vocabulary, hasGradient: hasGradient, teamSize: threads)
    }

    func reference(scale: Double, zLoss: Double)
        -> (losses: [Double], squares: [Double], dHidden: [Double], dWeight: [Double])
    {
        var (losses, squares) = ([Double](), [Double]())
        var dHidden = [Double](repeating: 0, count: rows * width)
        var dWeight = [Double](repeating: 0, count: vocabulary * width)
        let (hidden, weight) = (hidden.doubles, weight.doubles)
        for (row, target) in targets.enumerated() {
            let logits = (0..<vocabulary).map { token in
                (0..<width).reduce(0) { $0 + hidden[row * width + $1] * weight[token * width + $1] }
            }
            let top = logits.max()!
            let logSumExp = top + log(logits.reduce(0) { $0 + exp($1 - top) })
            losses.append(logSumExp - logits[Int(target)])
            squares.append(logSumExp * logSumExp)
            for token in 0..<vocabulary {
                let probability = exp(logits[token] - logSumExp)
                let ofLoss = probability - (token == Int(target) ? 1 : 0)
                let gradient = scale * (ofLoss + zLoss * 2 * logSumExp * probability)
                for column in 0..<width {
                    dHidden[row * width + column] += gradient * weight[token * width + column]
                    dWeight[token * width + column] += gradient * hidden[row * width + column]
                }
            }
        }
        return (losses, squares, dHidden, dWeight)
    }
}
