import Foundation
import Kernels
import Testing

@Suite struct RotaryEmbeddingTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        let halfDim: Int
        var heads = 2
        /// Floats behind the heads of a row.
        var rest = 3
        var sequences = 2
        var length = 9
        var firstPosition = 0
        var rows: Int { sequences * length }
        var stride: Int { heads * 2 * halfDim + rest }
        var testDescription: String { "\(heads) heads of 2·\(halfDim) from position \(firstPosition)" }
    }

    static let shapes = [
        Shape(halfDim: 1), Shape(halfDim: 4, heads: 3), Shape(halfDim: 15, rest: 0), Shape(halfDim: 16),
        Shape(halfDim: 20, heads: 1, sequences: 5, length: 33), Shape(halfDim: 32, sequences: 1, firstPosition: 90),
    ]

    @Test(arguments: shapes) func turnsEachPairByItsAngle(_ shape: Shape) {
        let (frequencies, before) = (frequencies(shape), randomFloats(shape.rows * shape.stride, seed: 1))
        let x = slice(before)
        forward(x, shape)
        var wanted = before.doubles
        for row in 0..<shape.rows {
            for head in 0..<shape.heads {
                for pair in 0..<shape.halfDim {
                    let angle = Double(shape.firstPosition + row % shape.length) * frequencies[pair]
                    let first = row * shape.stride + head * 2 * shape.halfDim + pair
                    let (a, b) = (Double(before[first]), Double(before[first + shape.halfDim]))
                    wanted[first] = a * cos(angle) - b * sin(angle)
                    wanted[first + shape.halfDim] = a * sin(angle) + b * cos(angle)
                }
            }
        }
        #expect(largestDifference(x.array, wanted) < 3e-7)
        for row in 0..<shape.rows {
            let rest = ((row + 1) * shape.stride - shape.rest)..<((row + 1) * shape.stride)
            #expect(x[rest].array.bits == Array(before[rest]).bits, "floats behind the heads were changed")
        }
    }

    @Test func theFirstPositionIsNotTurned() {
        let shape = Shape(halfDim: 17, length: 1)
        let before = randomFloats(shape.rows * shape.stride, seed: 2)
        let x = slice(before)
        forward(x, shape)
        #expect(x.array == before)
    }

    @Test(arguments: shapes.filter { $0.firstPosition == 0 }) func backwardTurnsBack(_ shape: Shape) {
        let before = randomFloats(shape.rows * shape.stride, seed: 3)
        let x = slice(before)
        forward(x, shape)
        #expect(x.array != before)
        rotaryBackward(
            x, stride: shape.stride, heads: shape.heads, table: table(shape), sequenceLength: shape.length,
            on: ThreadTeam(size: 2))
        #expect(largestDifference(x.array, before.doubles) < 5e-7)
    }

    @Test func threadsChangeNoBit() {
        let shape = Shape(halfDim: 20, sequences: 5, length: 33)
        let before = randomFloats(shape.rows * shape.stride, seed: 4)
        let (alone, together) = (slice(before), slice(before))
        forward(alone, shape)
        forward(together, shape, threads: 3)
        #expect(together.array.bits == alone.array.bits)
    }

    @Test func farPositionsKeepTheirAngle() {
        // At 100 000 radians a Float has lost all but two digits of the angle: the table must be made in Double.
        let shape = Shape(halfDim: 1, heads: 1, rest: 0, sequences: 1, length: 1, firstPosition: 100_000)
        let x = slice([1, 0])
        forward(x, shape)
        #expect(largestDifference(x.array, [cos(100_000), sin(100_000)]) < 1e-7)
    }

    @Test func positionsBehindTheTableAreRefused() async {
        await #expect(processExitsWith: .failure) {
            let table = RotaryTable(frequencies: [1], positions: 8)
            rotaryForward(
                FloatArena(count: 2).all, stride: 2, heads: 1, table: table, sequenceLength: 1, firstPosition: 8,
                on: ThreadTeam(size: 1))
        }
        await #expect(processExitsWith: .failure) {
            let table = RotaryTable(frequencies: [1], positions: 8)
            rotaryForward(
                FloatArena(count: 6).all, stride: 6, heads: 4, table: table, sequenceLength: 1, on: ThreadTeam(size: 1))
        }
    }

    private func frequencies(_ shape: Shape) -> [Double] {
        (0..<shape.halfDim).map { pow(100, -Double($0) / Double(shape.halfDim)) }
    }

    private func table(_ shape: Shape) -> RotaryTable {
        RotaryTable(frequencies: frequencies(shape), positions: shape.firstPosition + shape.length)
    }

    private func forward(_ x: FloatSlice, _ shape: Shape, threads: Int = 1) {
        rotaryForward(
            x, stride: shape.stride, heads: shape.heads, table: table(shape), sequenceLength: shape.length,
            firstPosition: shape.firstPosition, on: ThreadTeam(size: threads))
    }
}
