/// output [rows, columns] (+)= left · right, both packed by `Panels`. edge: room for one tile, for those that hang over.
func multiplyPanels(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, rows: Int, columns: Int, depth: Int,
    output: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool, edge: UnsafeMutablePointer<Float>
) {
    Panels.forEach(columns) { firstColumn, registers in
        let right = right + firstColumn * depth
        let width = min(16 * registers, columns - firstColumn)
        for firstRow in Swift.stride(from: 0, to: rows, by: RegisterTile.rows) {
            let height = min(RegisterTile.rows, rows - firstRow)
            let tile = output + firstRow * stride + firstColumn
            let isLast = firstRow + 2 * RegisterTile.rows > rows
            Tile(output: tile, stride: stride, rows: height, columns: width, registers: registers, edge: edge)
                .multiply(
                    depth: depth, packed: left + firstRow * depth, right, accumulate: accumulate,
                    next: isLast ? output + firstColumn + width : tile + RegisterTile.rows * stride)
        }
    }
}

/// A tile of an output and how much of it there is: at the edges of a matrix a tile hangs over.
struct Tile {
    let output: UnsafeMutablePointer<Float>
    let stride: Int
    let rows: Int
    let columns: Int
    let registers: Int
    /// [RegisterTile.size], for a tile that hangs over.
    let edge: UnsafeMutablePointer<Float>

    private var isWhole: Bool { rows == RegisterTile.rows && columns == 16 * registers }

    /// (+)= left · right with the left operand packed by `Panels.packRows`.
    /// - Parameter next: the output of the tile that will follow.
    func multiply(
        depth: Int, packed left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, accumulate: Bool,
        next: UnsafeMutablePointer<Float>
    ) {
        let operand = LeftOperand(start: left, row: 1, step: RegisterTile.rows)
        if isWhole {
            packedTile(registers, depth, operand, right, output, stride, accumulate, next)
        } else {
            packedTile(registers, depth, operand, right, edge, 16 * registers, false, output)
            takeFromEdge(accumulate: accumulate)
        }
    }

    /// (+)= left · right with a left operand that lies anywhere.
    func multiply(depth: Int, _ left: LeftOperand, _ right: UnsafePointer<Float>, accumulate: Bool) {
        if isWhole {
            stridedTile(registers, depth, left, right, output, stride, accumulate)
        } else {
            stridedTile(registers, depth, left, right, edge, 16 * registers, false)
            takeFromEdge(accumulate: accumulate)
        }
    }

    private func takeFromEdge(accumulate: Bool) {
        for row in 0..<rows {
            let (source, target) = (edge + row * 16 * registers, output + row * stride)
            for column in 0..<columns { target[column] = accumulate ? target[column] + source[column] : source[column] }
        }
    }
}

/// `multiplyTile` compiled for each width, with the steps of a packed left operand known to the compiler.
private func packedTile(
    _ registers: Int, _ depth: Int, _ left: LeftOperand, _ right: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, _ stride: Int, _ accumulate: Bool, _ next: UnsafeMutablePointer<Float>
) {
    switch registers {
    case 1: packedTile(OneRegister.self, depth, left.start, right, output, stride, accumulate, next)
    case 2: packedTile(TwoRegisters.self, depth, left.start, right, output, stride, accumulate, next)
    default: packedTile(ThreeRegisters.self, depth, left.start, right, output, stride, accumulate, next)
    }
}

/// A function of its own, so that its loop has all registers to itself.
@inline(never) private func packedTile<Row: RegisterRow>(
    _ row: Row.Type, _ depth: Int, _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, _ stride: Int, _ accumulate: Bool, _ next: UnsafeMutablePointer<Float>
) {
    multiplyTile(
        row, depth: depth, LeftOperand(start: left, row: 1, step: RegisterTile.rows), right, output, stride: stride,
        accumulate: accumulate, next: next)
}

/// The same for a left operand with any steps.
private func stridedTile(
    _ registers: Int, _ depth: Int, _ left: LeftOperand, _ right: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, _ stride: Int, _ accumulate: Bool
) {
    switch registers {
    case 1: stridedTile(OneRegister.self, depth, left, right, output, stride, accumulate)
    case 2: stridedTile(TwoRegisters.self, depth, left, right, output, stride, accumulate)
    default: stridedTile(ThreeRegisters.self, depth, left, right, output, stride, accumulate)
    }
}

@inline(never) private func stridedTile<Row: RegisterRow>(
    _ row: Row.Type, _ depth: Int, _ left: LeftOperand, _ right: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, _ stride: Int, _ accumulate: Bool
) {
    multiplyTile(row, depth: depth, left, right, output, stride: stride, accumulate: accumulate, next: output)
}
