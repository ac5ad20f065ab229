import Kernels
import Testing

@Suite struct AngularStepTests {
    @Test(arguments: [1, 15, 16, 17, 64, 131]) func productsAgreeWithDouble(width: Int) {
        let rows = 150
        let (a, b) = (randomFloats(rows * width, seed: 1), randomFloats(rows * width, seed: 2))
        let alone = products(a, b, width: width, threads: 1)
        func wanted(_ x: [Float], _ y: [Float]) -> [Double] {
            (0..<rows).map { row in
                let range = (row * width)..<((row + 1) * width)
                return dotProduct(Array(x[range]).doubles, Array(y[range]).doubles)
            }
        }
        let tolerance = Double(width) * 1e-7
        #expect(largestDifference(alone[0], wanted(a, b)) < tolerance)
        #expect(largestDifference(alone[1], wanted(a, a)) < tolerance)
        #expect(largestDifference(alone[2], wanted(b, b)) < tolerance)
        #expect(products(a, b, width: width, threads: 3).map(\.bits) == alone.map(\.bits))
    }

    /// Parallel rows give an angle of exactly zero: the three products are summed in the same order.
    @Test func productsOfEqualRowsAreEqual() {
        let a = randomFloats(3 * 77, seed: 3)
        let found = products(a, a, width: 77, threads: 1)
        #expect(found[0].bits == found[1].bits && found[1].bits == found[2].bits)
    }

    @Test(arguments: [1, 16, 33]) func scaledRowsAreAdded(width: Int) {
        let rows = 141
        let start = randomFloats(rows * width, seed: 4)
        let inputs = (0..<3).map { randomFloats(rows * width, seed: 5 + UInt64($0)) }
        var coefficients = (0..<3).map { randomFloats(rows, seed: 8 + UInt64($0)) }
        coefficients[1][7] = 0
        var wanted = start.doubles
        for (input, coefficient) in zip(inputs, coefficients) {
            for index in wanted.indices { wanted[index] += Double(input[index]) * Double(coefficient[index / width]) }
        }
        let outputs = [1, 3].map { threads in
            let output = slice(start)
            addScaledRows(
                to: output, inputs: inputs.map { slice($0) }, coefficients: coefficients, width: width,
                on: ThreadTeam(size: threads))
            return output.array
        }
        #expect(largestDifference(outputs[0], wanted) < 1e-6)
        #expect(outputs[1].bits == outputs[0].bits)
    }

    /// A state without a direction has coefficient 0, and whatever is in its row must not spread.
    @Test func rowsWithCoefficientZeroAreNotRead() {
        let output = slice([1, 2, 3, 4])
        addScaledRows(
            to: output, inputs: [slice([.nan, .infinity, 1, 1])], coefficients: [[0, 2]], width: 2,
            on: ThreadTeam(size: 1))
        #expect(output.array == [1, 2, 5, 6])
    }

    private func products(_ a: [Float], _ b: [Float], width: Int, threads: Int) -> [[Float]] {
        let results = (0..<3).map { _ in unset(a.count / width) }
        angularProducts(
            dots: results[0], squaresA: results[1], squaresB: results[2], a: slice(a), b: slice(b), width: width,
            on: ThreadTeam(size: threads))
        return results.map(\.array)
    }
}
