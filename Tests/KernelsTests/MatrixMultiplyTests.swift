import Kernels
import Testing

/// `multiply` against a triple loop in Double, within the error bound that any order of summation keeps.
@Suite struct MatrixMultiplyTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        let m: Int
        let n: Int
        let k: Int
        /// Floats between the end of a row and the next.
        var gap = 0
        var testDescription: String { "[\(m), \(k)] · [\(k), \(n)], gap \(gap)" }
    }

    static let shapes = [
        Shape(m: 1, n: 1, k: 1), Shape(m: 1, n: 17, k: 5), Shape(m: 65, n: 1, k: 31), Shape(m: 3, n: 5, k: 7, gap: 2),
        Shape(m: 16, n: 16, k: 16), Shape(m: 33, n: 47, k: 129, gap: 5), Shape(m: 100, n: 31, k: 64, gap: 16),
        // Large enough for several threads: cut by rows, by columns, and at the end of a gap; and for several blocks of
        // each of the three dimensions.
        Shape(m: 401, n: 301, k: 101), Shape(m: 8, n: 1400, k: 800), Shape(m: 200, n: 49, k: 1601),
        Shape(m: 100, n: 513, k: 257), Shape(m: 277, n: 300, k: 150, gap: 3),
    ]

    @Test(arguments: shapes, [false, true]) func agreesWithATripleLoop(_ shape: Shape, accumulate: Bool) {
        for transposeA in [false, true] {
            for transposeB in [false, true] {
                let operands = Operands(shape, transposeA, transposeB)
                let found = operands.product(startingWith: accumulate ? operands.c : nil, team: ThreadTeam(size: 2))
                let worst = operands.worstError(found, accumulate: accumulate)
                #expect(worst <= 1, "transposed: \(transposeA), \(transposeB)")
            }
        }
    }

    @Test func whatLiesBetweenTheRowsIsLeftAlone() {
        let operands = Operands(Shape(m: 20, n: 19, k: 18, gap: 3), false, false)
        let c = unset(operands.c.count)
        multiply(operands.a, operands.b, into: c.matrix(20, 19, stride: 22), on: ThreadTeam(size: 1))
        for row in 0..<20 {
            #expect((0..<19).allSatisfy { !c[row * 22 + $0].isNaN })
            if row < 19 { #expect((19..<22).allSatisfy { c[row * 22 + $0].isNaN }) }
        }
    }

    @Test(arguments: shapes) func threadsChangeNoBit(_ shape: Shape) {
        for transposeA in [false, true] {
            for transposeB in [false, true] {
                let operands = Operands(shape, transposeA, transposeB)
                let alone = operands.product(startingWith: nil, team: ThreadTeam(size: 1))
                for size in [2, 3, 5] {
                    let together = operands.product(startingWith: nil, team: ThreadTeam(size: size))
                    #expect(together.bits == alone.bits, "\(size) threads, transposed: \(transposeA), \(transposeB)")
                }
            }
        }
    }

    @Test func emptyProductsTouchNothing() {
        let empty = FloatArena(count: 0).all
        let b = slice(randomFloats(6, seed: 1))
        multiply(empty.matrix(0, 2), b.matrix(2, 3), into: empty.matrix(0, 3), on: ThreadTeam(size: 2))
        multiply(b.matrix(3, 2), b.matrix(2, 0), into: empty.matrix(3, 0), on: ThreadTeam(size: 2))
    }

    @Test func shapesThatDoNotFitAreRefused() async {
        await #expect(processExitsWith: .failure) {
            let six = FloatArena(count: 6).all
            multiply(six.matrix(2, 3), six.matrix(2, 3), into: six.matrix(2, 3), on: ThreadTeam(size: 1))
        }
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 6).all.matrix(2, 4) }
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 6).all.matrix(2, 2, stride: 5) }
    }
}

/// Random operands of one product, stored transposed where that is asked.
private struct Operands {
    let shape: MatrixMultiplyTests.Shape
    let a: Matrix
    let b: Matrix
    let c: [Float]

    init(_ shape: MatrixMultiplyTests.Shape, _ transposeA: Bool, _ transposeB: Bool) {
        func stored(_ rows: Int, _ columns: Int, transposed: Bool, seed: UInt64) -> Matrix {
            let (rows, columns) = transposed ? (columns, rows) : (rows, columns)
            let stride = columns + shape.gap
            let matrix = slice(randomFloats(rows * stride, seed: seed)).matrix(rows, columns, stride: stride)
            return transposed ? matrix.transposed : matrix
        }
        self.shape = shape
        a = stored(shape.m, shape.k, transposed: transposeA, seed: 1)
        b = stored(shape.k, shape.n, transposed: transposeB, seed: 2)
        c = randomFloats(shape.m * (shape.n + shape.gap), seed: 3)
        rowsOfA = Self.read(a, rows: shape.m, columns: shape.k, transposed: transposeA)
        columnsOfB = Self.read(b.transposed, rows: shape.n, columns: shape.k, transposed: !transposeB)
    }

    private let rowsOfA: [[Double]]
    private let columnsOfB: [[Double]]

    /// Element by element, by the definition of a transposed view.
    private static func read(_ matrix: Matrix, rows: Int, columns: Int, transposed: Bool) -> [[Double]] {
        let values = matrix.slice.array
        return (0..<rows).map { row in
            (0..<columns).map { column in
                Double(values[transposed ? column * matrix.stride + row : row * matrix.stride + column])
            }
        }
    }

    /// Without a start the output begins as NaN.
    func product(startingWith start: [Float]?, team: ThreadTeam) -> [Float] {
        let output = start.map { slice($0) } ?? unset(c.count)
        multiply(
            a, b, into: output.matrix(shape.m, shape.n, stride: shape.n + shape.gap), accumulate: start != nil, on: team
        )
        return output.array
    }

    /// The largest error in units of (k + 2)·2⁻²⁴·Σ|a·b|, the bound of Higham (2002), section 3.5.
    func worstError(_ found: [Float], accumulate: Bool) -> Double {
        var worst = 0.0
        for row in 0..<shape.m {
            for column in 0..<shape.n {
                let place = row * (shape.n + shape.gap) + column
                var (sum, size) = (0.0, 0.0)
                if accumulate { (sum, size) = (Double(c[place]), abs(Double(c[place]))) }
                let (x, y) = (rowsOfA[row], columnsOfB[column])
                for index in 0..<shape.k {
                    let term = x[index] * y[index]
                    sum += term
                    size += abs(term)
                }
                let error = abs(Double(found[place]) - sum) / (Double(shape.k + 2) * 0x1p-24 * size)
                if !worst.isNaN && !(error <= worst) { worst = error }
            }
        }
        return worst
    }
}
