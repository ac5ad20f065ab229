internal import CSIMD

/// The operands of a product, copied so that `multiplyTile` reads them from front to back.
enum Panels {
    /// The panels that `columns` are cut into: as wide as a tile, the last ones a little narrower rather than one of a
    /// single register, whose eight chains of multiply-adds barely hide their latency.
    @inline(__always) static func forEach(_ columns: Int, _ body: (_ first: Int, _ registers: Int) -> Void) {
        var first = 0
        var left = (columns + 15) / 16
        while left > 0 {
            let registers = RegisterTile.registers == 3 && left == 4 ? 2 : min(left, RegisterTile.registers)
            body(first, registers)
            first += registers * 16
            left -= registers
        }
    }

    /// The left operand as [⌈rows/R⌉][depth][R] with R = `RegisterTile.rows`, zeros below the last row.
    /// source: [rows, depth] with rows `stride` apart, or its transpose.
    static func packRows(
        _ source: UnsafePointer<Float>, stride: Int, isTransposed: Bool, rows: Int, depth: Int,
        into panels: UnsafeMutablePointer<Float>
    ) {
        let tile = RegisterTile.rows
        var first = 0
        if isTransposed {
            first = rows / tile * tile
            spread(source, stride: stride, depth: depth, columns: first, width: tile, to: panels) { source, target in
                let column = UnsafeRawPointer(source).loadUnaligned(as: RegisterTile.Column.self)
                UnsafeMutableRawPointer(target).storeBytes(of: column, as: RegisterTile.Column.self)
            }
        }
        while first < rows {
            let panel = panels + first * depth
            if first + tile <= rows {
                transposeRows(source + first * stride, stride: stride, depth: depth, to: panel)
            } else {
                copyEdge(
                    source + (isTransposed ? first : first * stride), step: isTransposed ? stride : 1,
                    lane: isTransposed ? 1 : stride, lanes: rows - first, depth: depth, to: panel, width: tile)
            }
            first += tile
        }
    }

    /// The right operand as one [depth][16·registers] for each panel of `forEach`, zeros right of the last column.
    /// source: [depth, columns] with rows `stride` apart, or its transpose.
    static func packColumns(
        _ source: UnsafePointer<Float>, stride: Int, isTransposed: Bool, columns: Int, depth: Int,
        into panels: UnsafeMutablePointer<Float>
    ) {
        let widest = 16 * RegisterTile.registers
        var done = 0
        if !isTransposed {
            // The panels in front of the narrower ones.
            forEach(columns) { first, registers in
                if 16 * registers == widest && first + widest <= columns { done = first + widest }
            }
            spread(source, stride: stride, depth: depth, columns: done, width: widest, to: panels) { source, target in
                RegisterTile.Row(source).store(to: target)
            }
        }
        forEach(columns) { first, registers in
            if first < done { return }
            let width = 16 * registers
            for lane in Swift.stride(from: 0, to: width, by: 16) {
                let column = first + lane
                let start = source + (isTransposed ? column * stride : column)
                let panel = panels + first * depth + lane
                if isTransposed && column + 16 <= columns {
                    transposeColumns(start, stride: stride, depth: depth, to: panel, width: width)
                } else {
                    copyEdge(
                        start, step: isTransposed ? 1 : stride, lane: isTransposed ? stride : 1,
                        lanes: min(16, columns - column), depth: depth, to: panel, width: width, filled: 16)
                }
            }
        }
    }

    /// panels[column / width][step][column % width] = source[step][column], for `columns` a multiple of `width`.
    /// `copy` moves `width` floats.
    ///
    /// Row by row over many panels, since memory delivers long pieces of a row well and short ones badly; but over no
    /// more than eight, whose places are often a power of two apart and so share the twelve ways of one set of the cache.
    @inline(__always) private static func spread(
        _ source: UnsafePointer<Float>, stride: Int, depth: Int, columns: Int, width: Int,
        to panels: UnsafeMutablePointer<Float>,
        copy: (_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>) -> Void
    ) {
        var first = 0
        while first < columns {
            let count = min(8, (columns - first) / width)
            for step in 0..<depth {
                var source = source + (step * stride + first)
                var target = panels + (first * depth + step * width)
                for _ in 0..<count {
                    copy(source, target)
                    source += width
                    target += width * depth
                }
            }
            first += count * width
        }
    }

    /// panel[step][row] = source[row][step].
    private static func transposeRows(
        _ source: UnsafePointer<Float>, stride: Int, depth: Int, to panel: UnsafeMutablePointer<Float>
    ) {
        let tile = RegisterTile.rows
        for step in Swift.stride(from: 0, to: depth.wholeLanes, by: 16) {
            #if AVX512
                csimd_transpose_8x16(source + step, stride, panel + step * tile)
            #else
                csimd_transpose_4x16(source + step, stride, panel + step * tile)
            #endif
        }
        let rest = depth.wholeLanes
        copyEdge(
            source + rest, step: 1, lane: stride, lanes: tile, depth: depth - rest, to: panel + rest * tile, width: tile
        )
    }

    /// panel[step · width + column] = source[column][step] for 16 columns.
    private static func transposeColumns(
        _ source: UnsafePointer<Float>, stride: Int, depth: Int, to panel: UnsafeMutablePointer<Float>, width: Int
    ) {
        for step in Swift.stride(from: 0, to: depth.wholeLanes, by: 16) {
            csimd_transpose_16x16(source + step, stride, panel + step * width, width)
        }
        let rest = depth.wholeLanes
        copyEdge(
            source + rest, step: 1, lane: stride, lanes: 16, depth: depth - rest, to: panel + rest * width,
            width: width, filled: 16)
    }

    /// panel[s · width + l] = source[s · step + l · lane] for l < lanes, zeros up to `filled` (by default `width`).
    private static func copyEdge(
        _ source: UnsafePointer<Float>, step: Int, lane: Int, lanes: Int, depth: Int,
        to panel: UnsafeMutablePointer<Float>, width: Int, filled: Int? = nil
    ) {
        for s in 0..<depth {
            for l in 0..<(filled ?? width) { panel[s * width + l] = l < lanes ? source[s * step + l * lane] : 0 }
        }
    }
}
