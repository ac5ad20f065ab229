import Kernels
import Testing

@Suite struct RMSNormTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        let rows: Int
        let width: Int
        var testDescription: String { "[\(rows), \(width)]" }
    }

    static let shapes = [
        Shape(rows: 1, width: 1), Shape(rows: 3, width: 15), Shape(rows: 2, width: 16), Shape(rows: 4, width: 17),
        Shape(rows: 3, width: 33), Shape(rows: 1, width: 79),
    ]
    /// Enough rows and columns that both loops are cut.
    static let large = Shape(rows: 101, width: 395)
    private static let epsilon: Float = 1e-3

    @Test(arguments: shapes + [large]) func forwardAgreesWithItsDefinition(_ shape: Shape) {
        let test = Operands(shape)
        let wanted = normalized(test.input.array.doubles, test.weight.array.doubles, width: shape.width)
        let (output, inverse) = test.forward()
        #expect(largestDifference(output.array, wanted) < 1e-6)
        for row in 0..<shape.rows {
            let x = test.input.rows(row..<(row + 1), width: shape.width).array.doubles
            let rms = (dotProduct(x, x) / Double(shape.width) + Double(Self.epsilon)).squareRoot()
            #expect(abs(Double(inverse[row]) * rms - 1) < 1e-6)
        }
    }

    @Test(arguments: shapes + [large]) func recomputingGivesTheSameBits(_ shape: Shape) {
        let test = Operands(shape)
        let (output, inverse) = test.forward()
        let again = unset(output.count)
        rmsNormRecompute(
            output: again, inverseRMS: inverse, input: test.input, weight: test.weight, on: ThreadTeam(size: 3))
        #expect(again.array.bits == output.array.bits)
    }

    @Test(arguments: shapes) func backwardAgreesWithCentralDifferences(_ shape: Shape) {
        let test = Operands(shape)
        let (x, w, dy) = (test.input.array.doubles, test.weight.array.doubles, test.dOutput.array.doubles)
        let dInput = centralDifferences(at: x) { dotProduct(normalized($0, w, width: shape.width), dy) }
        let dWeight = centralDifferences(at: w) { dotProduct(normalized(x, $0, width: shape.width), dy) }
        let found = test.backward(accumulate: false)
        // dInput is always added to what is there.
        #expect(largestDifference(found.dInput, zip(test.start, dInput).map { Double($0) + $1 }) < 1e-5)
        #expect(largestDifference(found.dWeight, dWeight) < 1e-5)
        let accumulated = test.backward(accumulate: true)
        #expect(accumulated.dInput.bits == found.dInput.bits)
        #expect(largestDifference(accumulated.dWeight, dWeight.map { $0 + 2 }) < 1e-5)
    }

    @Test func zerosHaveAFiniteGradient() {
        let zeros = FloatArena(count: 40).all
        let (output, inverse, dInput) = (unset(40), unset(1), FloatArena(count: 40).all)
        let weight = slice([Float](repeating: 1, count: 40))
        let team = ThreadTeam(size: 1)
        rmsNormForward(output: output, inverseRMS: inverse, input: zeros, weight: weight, epsilon: 1e-5, on: team)
        #expect(output.array == zeros.array)
        rmsNormBackward(
            dInput: dInput, dWeight: unset(40), dOutput: weight, input: zeros, inverseRMS: inverse, weight: weight,
            accumulate: false, on: team)
        #expect(dInput.array.allSatisfy { abs($0 - 316.2278) < 1e-3 })
    }

    @Test func threadsChangeNoBit() {
        let test = Operands(Self.large)
        let (output, inverse) = test.forward()
        let gradient = test.backward(accumulate: true)
        for size in [2, 3] {
            let (otherOutput, otherInverse) = test.forward(threads: size)
            #expect(otherOutput.array.bits == output.array.bits && otherInverse.array.bits == inverse.array.bits)
            let other = test.backward(accumulate: true, threads: size)
            #expect(other.dInput.bits == gradient.dInput.bits && other.dWeight.bits == gradient.dWeight.bits)
        }
    }

    private func normalized(_ x: [Double], _ weight: [Double], width: Int) -> [Double] {
        stride(from: 0, to: x.count, by: width).flatMap { start in
            let row = Array(x[start..<(start + width)])
            let rms = (dotProduct(row, row) / Double(width) + Double(Self.epsilon)).squareRoot()
            return zip(row, weight).map { $0 / rms * $1 }
        }
    }

    private struct Operands {
        let shape: Shape
        let input: FloatSlice
        let weight: FloatSlice
        let dOutput: FloatSlice
        /// What dInput holds before.
        let start: [Float]

        init(_ shape: Shape) {
            self.shape = shape
            input = slice(randomFloats(shape.rows * shape.width, seed: 1, in: -2...2))
            weight = slice(randomFloats(shape.width, seed: 2, in: 0.5...1.5))
            dOutput = slice(randomFloats(shape.rows * shape.width, seed: 3))
            start = randomFloats(shape.rows * shape.width, seed: 4)
        }

        func forward(threads: Int = 1) -> (output: FloatSlice, inverse: FloatSlice) {
            let (output, inverse) = (unset(input.count), unset(shape.rows))
            rmsNormForward(
                output: output, inverseRMS: inverse, input: input, weight: weight, epsilon: RMSNormTests.epsilon,
                on: ThreadTeam(size: threads))
            return (output, inverse)
        }

        func backward(accumulate: Bool, threads: Int = 1) -> (dInput: [Float], dWeight: [Float]) {
            let dInput = slice(start)
            let dWeight = unset(shape.width)
            if accumulate { dWeight.fill(2) }
            rmsNormBackward(
                dInput: dInput, dWeight: dWeight, dOutput: dOutput, input: input, inverseRMS: forward().inverse,
                weight: weight, accumulate: accumulate, on: ThreadTeam(size: threads))
            return (dInput.array, dWeight.array)
        }
    }
}
