import Glibc

/// A block of queries of one head. Scores are [keys, stride]: row k holds key k's score for each query of the block.
struct AttentionBlock {
    let shape: AttentionShape
    /// Of the sequence.
    let firstRow: Int
    let rowCount: Int
    /// The first key that each query may see; nil: key 0. They never decrease.
    private let starts: [Float]?
    /// Whole row panels before which no query of the block sees a key.
    private let firstKey: Int

    /// Between rows of scores.
    static let stride = AttentionShape.queryBlock

    init(shape: AttentionShape, firstRow: Int, rowCount: Int, starts: [Float]?) {
        self.shape = shape
        self.firstRow = firstRow
        self.rowCount = rowCount
        self.starts = starts
        firstKey = starts.map { Int($0[0]) / RegisterTile.rows * RegisterTile.rows } ?? 0
    }

    /// The position of a query of the block, which is also the last key that it sees.
    private func position(_ query: Int) -> Int { shape.cachedKeys + firstRow + query }

    // MARK: - Products

    /// scores = left · sourceᵀ where some query sees the key. left: keys or values, packed; source: [rows, headDim] of the
    /// sequence with rows `stride` apart.
    func multiplyTransposed(
        keys left: UnsafePointer<Float>, _ source: UnsafePointer<Float>, stride: Int,
        packed right: UnsafeMutablePointer<Float>, into scores: UnsafeMutablePointer<Float>,
        edge: UnsafeMutablePointer<Float>
    ) {
        let depth = shape.headDim
        Panels.packColumns(
            source + firstRow * stride, stride: stride, isTransposed: true, columns: rowCount, depth: depth, into: right
        )
        Panels.forEach(rowCount) { first, registers in
            // The queries of a panel see no key behind the last of them.
            let keys = position(min(first + 16 * registers, rowCount) - 1) + 1
            for key in Swift.stride(from: firstKey, to: keys, by: RegisterTile.rows) {
                let output = scores + key * Self.stride + first
                Tile(
                    output: output, stride: Self.stride, rows: RegisterTile.rows, columns: 16 * registers,
                    registers: registers, edge: edge
                ).multiply(
                    depth: depth, packed: left + key * depth, right + first * depth, accumulate: false,
                    next: output + RegisterTile.rows * Self.stride)
            }
        }
    }

    /// output [rowCount, headDim] = scoresᵀ · right; right: keys or values, packed.
    func multiply(
        _ scores: UnsafePointer<Float>, _ right: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>,
        stride: Int, edge: UnsafeMutablePointer<Float>
    ) {
        Panels.forEach(shape.headDim) { first, registers in
            let right = right + first * shape.keyLength + firstKey * 16 * registers
            for query in Swift.stride(from: 0, to: rowCount, by: RegisterTile.rows) {
                let rows = min(RegisterTile.rows, rowCount - query)
                Tile(
                    output: output + query * stride + first, stride: stride, rows: rows,
                    columns: min(16 * registers, shape.headDim - first), registers: registers, edge: edge
                ).multiply(
                    depth: position(query + rows - 1) + 1 - firstKey,
                    LeftOperand(start: scores + firstKey * Self.stride + query, row: 1, step: Self.stride), right,
                    accumulate: false)
            }
        }
    }

    /// output [keys, headDim] += scores · source; source: [rowCount, headDim] with rows `stride` apart; output: rows of the
    /// fused gradient.
    func addTransposedProduct(
        _ scores: UnsafePointer<Float>, _ source: UnsafePointer<Float>, stride: Int,
        packed right: UnsafeMutablePointer<Float>, to output: UnsafeMutablePointer<Float>,
        edge: UnsafeMutablePointer<Float>
    ) {
        Panels.packColumns(
            source, stride: stride, isTransposed: false, columns: shape.headDim, depth: rowCount, into: right)
        let keys = position(rowCount - 1) + 1
        Panels.forEach(shape.headDim) { first, registers in
            for key in Swift.stride(from: firstKey, to: keys, by: RegisterTile.rows) {
                // Queries before the first key of the tile see none of it; sixteen at a time were cleared behind it.
                let query = max(0, key - position(0)) / 16 * 16
                Tile(
                    output: output + key * shape.keyStride + first, stride: shape.keyStride,
                    rows: min(RegisterTile.rows, keys - key), columns: min(16 * registers, shape.headDim - first),
                    registers: registers, edge: edge
                ).multiply(
                    depth: rowCount - query,
                    LeftOperand(start: scores + key * Self.stride + query, row: Self.stride, step: 1),
                    right + first * rowCount + query * 16 * registers, accumulate: true)
            }
        }
    }

    // MARK: - Softmax

    /// Sixteen queries: the keys that they see, in three stretches, of which only the middle one all of them see whole.
    private struct Column {
        let first: Int
        let wholeFirst: Int
        let wholeEnd: Int
        let end: Int
        let starts: Lanes
        let positions: Lanes

        /// Where a query does not see `key`.
        @inline(__always) func hidden(_ key: Int) -> SIMDMask<SIMD16<Int32>> {
            let key = Lanes(repeating: Float(key))
            return (key .< starts) .| (key .> positions)
        }

        @inline(__always) func forEachKey(masked: (Int) -> Void, whole: (Int) -> Void) {
            for key in first..<wholeFirst { masked(key) }
            for key in wholeFirst..<wholeEnd { whole(key) }
            for key in wholeEnd..<end { masked(key) }
        }
    }

    private func column(_ query: Int) -> Column {
        var (starts, positions) = (Lanes.zero, Lanes.zero)
        for lane in 0..<16 {
            let row = min(query + lane, rowCount - 1)
            starts[lane] = self.starts?[row] ?? 0
            positions[lane] = Float(position(row))
        }
        let (first, last) = (Int(positions[0]), Int(positions[15]))
        let wholeFirst = min(max(Int(starts[15]), firstKey), first + 1)
        // Scores are zero as far as a whole tile of keys, which the product with the queries takes.
        return Column(
            first: firstKey, wholeFirst: wholeFirst, wholeEnd: first + 1, end: endOfTile(last), starts: starts,
            positions: positions)
    }

    private func endOfTile(_ last: Int) -> Int { (last + RegisterTile.rows) / RegisterTile.rows * RegisterTile.rows }

    /// scores s become e^(scale · (s − max)), 0 where hidden. logSumExp: [rowCount]; inverseSums: 1/Σ, [rowCount].
    func softmax(
        _ scores: UnsafeMutablePointer<Float>, logSumExp: UnsafeMutablePointer<Float>,
        inverseSums: UnsafeMutablePointer<Float>
    ) {
        for query in Swift.stride(from: 0, to: rowCount, by: 16) {
            let x = scores + query
            let column = column(query)
            let scale = Lanes(repeating: shape.scale)
            var top = Lanes(repeating: -.greatestFiniteMagnitude)
            column.forEachKey { key in
                var s = x.lanes(key * Self.stride)
                s.replace(with: top, where: column.hidden(key))
                top.replace(with: s, where: s .> top)
            } whole: { key in
                let s = x.lanes(key * Self.stride)
                top.replace(with: s, where: s .> top)
            }
            let shift = top * scale
            var sum = Lanes.zero
            column.forEachKey { key in
                var p = exponential(x.lanes(key * Self.stride) * scale - shift)
                p.replace(with: Lanes.zero, where: column.hidden(key))
                x.store(p, at: key * Self.stride)
                sum += p
            } whole: { key in
                let p = exponential(x.lanes(key * Self.stride) * scale - shift)
                x.store(p, at: key * Self.stride)
                sum += p
            }
            for lane in 0..<min(16, rowCount - query) {
                logSumExp[query + lane] = shift[lane] + log(sum[lane])
                inverseSums[query + lane] = 1 / sum[lane]
            }
        }
    }

    /// scores s become p = e^(scale · s − logSumExp), dScores dp become scale · p · (dp − rowSum); 0 where hidden.
    func softmaxGradient(
        _ scores: UnsafeMutablePointer<Float>, _ dScores: UnsafeMutablePointer<Float>,
        logSumExp: UnsafePointer<Float>, rowSums: UnsafePointer<Float>
    ) {
        let scale = Lanes(repeating: shape.scale)
        for query in Swift.stride(from: 0, to: rowCount, by: 16) {
            let (x, dx) = (scores + query, dScores + query)
            let (shift, rowSum) = (logSumExp.lanes(query), rowSums.lanes(query))
            let column = column(query)
            column.forEachKey { key in
                let hidden = column.hidden(key)
                var p = exponential(x.lanes(key * Self.stride) * scale - shift)
                var d = p * (dx.lanes(key * Self.stride) - rowSum) * scale
                p.replace(with: Lanes.zero, where: hidden)
                d.replace(with: Lanes.zero, where: hidden)
                x.store(p, at: key * Self.stride)
                dx.store(d, at: key * Self.stride)
            } whole: { key in
                let p = exponential(x.lanes(key * Self.stride) * scale - shift)
                x.store(p, at: key * Self.stride)
                dx.store(p * (dx.lanes(key * Self.stride) - rowSum) * scale, at: key * Self.stride)
            }
        }
    }
}
