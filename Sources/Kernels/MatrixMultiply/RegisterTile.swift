internal import CSIMD

/// The part of an output that stays in registers while the whole inner dimension passes: `RegisterTile.rows` rows of one
/// to three registers. Each step multiplies one number per row with a row of the right operand.
///
/// Why this shape: 8 × 3 registers of AVX-512 take 24 multiply-adds (12 cycles) for 11 loads, and 28 of the 32 registers.
/// Measured, with all operands in the cache: 99 % of the peak of multiply-adds. AVX2 has 16 registers of half the width.
enum RegisterTile {
    #if AVX512
        static let rows = 8
        static let registers = 3
        typealias Column = SIMD8<Float>
        typealias Row = ThreeRegisters
    #else
        static let rows = 4
        static let registers = 1
        typealias Column = SIMD4<Float>
        typealias Row = OneRegister
    #endif
    /// Floats of the widest tile.
    static let size = rows * registers * 16
}

/// One row of a tile.
protocol RegisterRow {
    /// In floats.
    static var width: Int { get }
    init()
    init(_ source: UnsafePointer<Float>)
    mutating func addProduct(_ factor: Float, _ row: Self)
    func store(to destination: UnsafeMutablePointer<Float>)
    func add(to destination: UnsafeMutablePointer<Float>)
}

extension RegisterRow {
    @inline(__always) func put(_ destination: UnsafeMutablePointer<Float>, accumulate: Bool) {
        if accumulate { add(to: destination) } else { store(to: destination) }
    }

    @inline(__always) static func prefetch(_ address: UnsafeMutablePointer<Float>) {
        for offset in stride(from: 0, to: width, by: 16) { csimd_prefetch_to_write(address + offset) }
    }
}

struct OneRegister: RegisterRow {
    static let width = 16
    private var x = Lanes.zero

    @inline(__always) init() {}

    @inline(__always) init(_ source: UnsafePointer<Float>) { x = source.lanes(0) }

    @inline(__always) mutating func addProduct(_ factor: Float, _ row: Self) {
        x.addProduct(Lanes(repeating: factor), row.x)
    }

    @inline(__always) func store(to y: UnsafeMutablePointer<Float>) { y.store(x, at: 0) }

    @inline(__always) func add(to y: UnsafeMutablePointer<Float>) { y.store(y.lanes(0) + x, at: 0) }
}

struct TwoRegisters: RegisterRow {
    static let width = 32
    private var (x0, x1) = (Lanes.zero, Lanes.zero)

    @inline(__always) init() {}

    @inline(__always) init(_ source: UnsafePointer<Float>) { (x0, x1) = (source.lanes(0), source.lanes(16)) }

    @inline(__always) mutating func addProduct(_ factor: Float, _ row: Self) {
        let factor = Lanes(repeating: factor)
        x0.addProduct(factor, row.x0)
        x1.addProduct(factor, row.x1)
    }

    @inline(__always) func store(to y: UnsafeMutablePointer<Float>) {
        y.store(x0, at: 0)
        y.store(x1, at: 16)
    }

    @inline(__always) func add(to y: UnsafeMutablePointer<Float>) {
        y.store(y.lanes(0) + x0, at: 0)
        y.store(y.lanes(16) + x1, at: 16)
    }
}

struct ThreeRegisters: RegisterRow {
    static let width = 48
    private var (x0, x1, x2) = (Lanes.zero, Lanes.zero, Lanes.zero)

    @inline(__always) init() {}

    @inline(__always) init(_ source: UnsafePointer<Float>) {
        (x0, x1, x2) = (source.lanes(0), source.lanes(16), source.lanes(32))
    }

    @inline(__always) mutating func addProduct(_ factor: Float, _ row: Self) {
        let factor = Lanes(repeating: factor)
        x0.addProduct(factor, row.x0)
        x1.addProduct(factor, row.x1)
        x2.addProduct(factor, row.x2)
    }

    @inline(__always) func store(to y: UnsafeMutablePointer<Float>) {
        y.store(x0, at: 0)
        y.store(x1, at: 16)
        y.store(x2, at: 32)
    }

    @inline(__always) func add(to y: UnsafeMutablePointer<Float>) {
        y.store(y.lanes(0) + x0, at: 0)
        y.store(y.lanes(16) + x1, at: 16)
        y.store(y.lanes(32) + x2, at: 32)
    }
}

/// Where the left operand's numbers lie: element (row, step) is `start[row · row + step · step]`.
struct LeftOperand {
    var start: UnsafePointer<Float>
    let row: Int
    let step: Int
}

/// The registers of one tile. A struct with a method, not variables with a local function: captured, they would go
/// through memory at every step.
struct TileRegisters<Row: RegisterRow> {
    private var (r0, r1, r2, r3) = (Row(), Row(), Row(), Row())
    #if AVX512
        private var (r4, r5, r6, r7) = (Row(), Row(), Row(), Row())
    #endif

    @inline(__always) init() {}

    /// Adds left[:, step] · right[step, :].
    @inline(__always) mutating func addProducts(_ left: UnsafePointer<Float>, _ stride: Int, _ right: Row) {
        r0.addProduct(left[0], right)
        r1.addProduct(left[stride], right)
        r2.addProduct(left[2 * stride], right)
        r3.addProduct(left[3 * stride], right)
        #if AVX512
            r4.addProduct(left[4 * stride], right)
            r5.addProduct(left[5 * stride], right)
            r6.addProduct(left[6 * stride], right)
            r7.addProduct(left[7 * stride], right)
        #endif
    }

    @inline(__always) func put(_ output: UnsafeMutablePointer<Float>, _ stride: Int, accumulate: Bool) {
        r0.put(output, accumulate: accumulate)
        r1.put(output + stride, accumulate: accumulate)
        r2.put(output + 2 * stride, accumulate: accumulate)
        r3.put(output + 3 * stride, accumulate: accumulate)
        #if AVX512
            r4.put(output + 4 * stride, accumulate: accumulate)
            r5.put(output + 5 * stride, accumulate: accumulate)
            r6.put(output + 6 * stride, accumulate: accumulate)
            r7.put(output + 7 * stride, accumulate: accumulate)
        #endif
    }
}

/// output (+)= left · right for one tile: `depth` steps, rows of the right operand `Row.width` floats apart.
///
/// The lines of the next tile's output are asked for on the way, a row at a time: they come from memory, and 24 at once
/// would fill the buffers that the operands need.
@inline(__always) func multiplyTile<Row: RegisterRow>(
    _: Row.Type, depth: Int, _ left: LeftOperand, _ right: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool, next: UnsafeMutablePointer<Float>
) {
    var tile = TileRegisters<Row>()
    var (a, b) = (left.start, right)
    let stepsPerRow = depth / RegisterTile.rows
    for row in 0..<RegisterTile.rows {
        Row.prefetch(next + row * stride)
        // The last round takes what is left over, so that there is one loop body.
        let steps = row == RegisterTile.rows - 1 ? depth - stepsPerRow * row : stepsPerRow
        for _ in 0..<steps {
            tile.addProducts(a, left.row, Row(b))
            a += left.step
            b += Row.width
        }
    }
    tile.put(output, stride, accumulate: accumulate)
}
