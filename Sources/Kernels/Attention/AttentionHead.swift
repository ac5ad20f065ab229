/// Queries, keys and values of one head of one sequence, each [rows, headDim] within wider rows.
struct AttentionHead {
    let shape: AttentionShape
    let sequence: Int
    let queries: UnsafeMutablePointer<Float>
    let keys: UnsafeMutablePointer<Float>
    let values: UnsafeMutablePointer<Float>

    init(
        _ shape: AttentionShape, _ queries: UnsafeMutablePointer<Float>, _ keyValues: UnsafeMutablePointer<Float>,
        sequence: Int, head: Int
    ) {
        let kvHead = head / (shape.heads / shape.kvHeads)
        self.shape = shape
        self.sequence = sequence
        self.queries = queries + sequence * shape.length * shape.queryStride + head * shape.headDim
        keys = keyValues + sequence * shape.keyLength * shape.keyStride + kvHead * shape.headDim
        values = keys + shape.valueOffset
    }

    /// As a left operand, whose rows are keys.
    func packKeys(_ panels: UnsafeMutablePointer<Float>) { packLeft(keys, panels) }
    func packValues(_ panels: UnsafeMutablePointer<Float>) { packLeft(values, panels) }

    /// As a right operand, whose steps are keys.
    func packKeyRows(_ panels: UnsafeMutablePointer<Float>) { packRight(keys, panels) }
    func packValueRows(_ panels: UnsafeMutablePointer<Float>) { packRight(values, panels) }

    private func packLeft(_ source: UnsafePointer<Float>, _ panels: UnsafeMutablePointer<Float>) {
        Panels.packRows(
            source, stride: shape.keyStride, isTransposed: false, rows: shape.keyLength, depth: shape.headDim,
            into: panels)
    }

    private func packRight(_ source: UnsafePointer<Float>, _ panels: UnsafeMutablePointer<Float>) {
        Panels.packColumns(
            source, stride: shape.keyStride, isTransposed: false, columns: shape.headDim, depth: shape.keyLength,
            into: panels)
    }

    /// Gradients of keys and values start at zero: every query head of the group adds to them.
    func clearKeysAndValues() {
        for row in 0..<shape.keyLength {
            (keys + row * shape.keyStride).update(repeating: 0, count: shape.headDim)
            (values + row * shape.keyStride).update(repeating: 0, count: shape.headDim)
        }
    }

    func forEachBlock(_ documentStarts: [Int32]?, _ body: (AttentionBlock) -> Void) {
        for firstRow in stride(from: 0, to: shape.length, by: AttentionShape.queryBlock) {
            let rowCount = min(AttentionShape.queryBlock, shape.length - firstRow)
            let first = sequence * shape.length + firstRow
            body(
                AttentionBlock(
                    shape: shape, firstRow: firstRow, rowCount: rowCount,
                    starts: documentStarts.map { $0[first..<(first + rowCount)].map { Float($0) } }))
        }
    }
}
