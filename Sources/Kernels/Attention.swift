import Glibc

/// The shape of one attention call, and how far apart the rows of its operands lie.
public struct AttentionShape: Sendable {
    public let sequences: Int
    /// Query rows per sequence.
    public let length: Int
    /// Key rows per sequence: `length` in training; more when the last rows of a longer text are added to a cache.
    public let keyLength: Int
    public let heads: Int
    public let kvHeads: Int
    public let headDim: Int
    let queryStride: Int
    let keyStride: Int

    /// For training: queries, keys and values side by side in fused rows of (heads + 2·kvHeads)·headDim.
    public init(sequences: Int, length: Int, heads: Int, kvHeads: Int, headDim: Int) {
        self.init(
            sequences: sequences, length: length, keyLength: length, heads: heads, kvHeads: kvHeads, headDim: headDim,
            keyStride: (heads + 2 * kvHeads) * headDim)
    }

    /// For generation: one sequence whose last `length` of `keyLength` rows are new; keys and values have rows of their own.
    public init(newRows length: Int, cachedRows: Int, heads: Int, kvHeads: Int, headDim: Int) {
        self.init(
            sequences: 1, length: length, keyLength: cachedRows + length, heads: heads, kvHeads: kvHeads,
            headDim: headDim, keyStride: 2 * kvHeads * headDim)
    }

    private init(
        sequences: Int, length: Int, keyLength: Int, heads: Int, kvHeads: Int, headDim: Int, keyStride: Int
    ) {
        self.sequences = sequences
        self.length = length
        self.keyLength = keyLength
        self.heads = heads
        self.kvHeads = kvHeads
        self.headDim = headDim
        self.queryStride = (heads + 2 * kvHeads) * headDim
        self.keyStride = keyStride
    }

    /// Where the keys begin in a fused row.
    public var keyOffset: Int { heads * headDim }
    var valueOffset: Int { kvHeads * headDim }
    var outputStride: Int { heads * headDim }
    var rows: Int { sequences * length }
    var scale: Float { 1 / Float(headDim).squareRoot() }

    /// Queries are taken in blocks of this many rows: no more than one block of scores per thread is ever held.
    static let queryBlock = 128

    /// Floats of scratch memory that a team needs: two blocks of scores and a row of sums each.
    public func scratchCount(teamSize: Int) -> Int { teamSize * scratchPerMember }

    var scratchPerMember: Int { 2 * Self.queryBlock * keyLength + Self.queryBlock }
}

/// softmax(Q·Kᵀ/√headDim, causal)·V per head, in blocks of query rows that skip the masked half; grouped-query attention
/// lets heads/kvHeads queries share a key. Blocks as in Dao et al., arXiv 2205.14135, but one block of rows at full width.
/// output: [rows, heads·headDim]; logSumExp: [sequences·heads, length], kept for the backward pass; queries: fused rows;
/// keyValues: rows of kvHeads·headDim keys and as many values, beginning with the first key.
/// - Parameter documentStarts: [rows], the first position (within its sequence) that a row may see; nil: position 0.
public func attentionForward(
    output: FloatSlice, logSumExp: FloatSlice, queries: FloatSlice, keyValues: FloatSlice, shape: AttentionShape,
    documentStarts: [Int32]?, scratch: FloatSlice, on team: ThreadTeam
) {
    check(shape, queries, keyValues, output: output, logSumExp: logSumExp, scratch: scratch, team)
    let (queries, keyValues) = (queries.pointer, keyValues.pointer)
    let (output, lse, scratch) = (output.pointer, logSumExp.pointer, scratch.pointer)
    team.forEachTask(shape.sequences * shape.heads) { task, member in
        let (sequence, head) = (task / shape.heads, task % shape.heads)
        let view = HeadView(shape, queries, keyValues, sequence: sequence, head: head)
        let scores = scratch + member * shape.scratchPerMember
        let output = output + sequence * shape.length * shape.outputStride + head * shape.headDim
        let lse = lse + task * shape.length
        view.forEachQueryBlock(documentStarts) { block in
            view.scores(block, into: scores)
            for row in 0..<block.rowCount {
                let scores = scores + row * block.keyCount
                let (first, last) = block.visible(row)
                lse[block.firstRow + row] = softmax(scores, first, last, of: block.keyCount)
            }
            sgemm(
                transposeA: false, transposeB: false, m: block.rowCount, n: shape.headDim, k: block.keyCount, alpha: 1,
                scores, strideA: block.keyCount, view.values + block.firstKey * shape.keyStride,
                strideB: shape.keyStride, beta: 0, output + block.firstRow * shape.outputStride,
                strideC: shape.outputStride)
        }
    }
}

/// dFused (overwritten) from dOutput: scores are computed anew from the kept logSumExp, then
/// dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P∘(dP − Σ dO∘O)/√headDim, dQ = dS·K, dK = dSᵀ·Q; shapes as in the forward.
public func attentionBackward(
    dFused: FloatSlice, dOutput: FloatSlice, output: FloatSlice, logSumExp: FloatSlice, fused: FloatSlice,
    shape: AttentionShape, documentStarts: [Int32]?, scratch: FloatSlice, on team: ThreadTeam
) {
    check(
        shape, fused, fused[shape.keyOffset..<fused.count], output: output, logSumExp: logSumExp, scratch: scratch, team
    )
    precondition(
        dFused.count == fused.count && dOutput.count == output.count && shape.keyLength == shape.length
            && shape.keyStride == shape.queryStride, "attention gradients differ in shape")
    let (fused, dFused, scratch) = (fused.pointer, dFused.pointer, scratch.pointer)
    let (output, dOutput, lse) = (output.pointer, dOutput.pointer, logSumExp.pointer)
    // One task is one key head with all its query heads, so that dK and dV have one writer and a fixed order.
    let group = shape.heads / shape.kvHeads
    team.forEachTask(shape.sequences * shape.kvHeads) { task, member in
        let (sequence, kvHead) = (task / shape.kvHeads, task % shape.kvHeads)
        let scores = scratch + member * shape.scratchPerMember
        let dScores = scores + AttentionShape.queryBlock * shape.length
        let rowSums = dScores + AttentionShape.queryBlock * shape.length
        clearKeyGradients(dFused, shape, sequence: sequence, kvHead: kvHead)
        for head in (kvHead * group)..<((kvHead + 1) * group) {
            let view = HeadView(shape, fused, fused + shape.keyOffset, sequence: sequence, head: head)
            let gradient = HeadView(shape, dFused, dFused + shape.keyOffset, sequence: sequence, head: head)
            let start = sequence * shape.length * shape.outputStride + head * shape.headDim
            let (output, dOutput) = (output + start, dOutput + start)
            let lse = lse + (sequence * shape.heads + head) * shape.length
            view.forEachQueryBlock(documentStarts) { block in
                let blockOutput = output + block.firstRow * shape.outputStride
                let dBlock = dOutput + block.firstRow * shape.outputStride
                for row in 0..<block.rowCount {
                    let offset = row * shape.outputStride
                    rowSums[row] = dot(blockOutput + offset, dBlock + offset, count: shape.headDim)
                }
                view.scores(block, into: scores)
                sgemm(
                    transposeA: false, transposeB: true, m: block.rowCount, n: block.keyCount, k: shape.headDim,
                    alpha: 1, dBlock, strideA: shape.outputStride, view.values + block.firstKey * shape.keyStride,
                    strideB: shape.keyStride, beta: 0, dScores, strideC: block.keyCount)
                for row in 0..<block.rowCount {
                    let offset = row * block.keyCount
                    let (first, last) = block.visible(row)
                    softmaxGradient(
                        scores + offset, dScores + offset, first, last, of: block.keyCount,
                        logSumExp: lse[block.firstRow + row], rowSum: rowSums[row], scale: shape.scale)
                }
                view.addBlockGradients(
                    block, probabilities: scores, dScores: dScores, dOutput: dBlock, to: gradient)
            }
        }
    }
}

private func check(
    _ shape: AttentionShape, _ queries: FloatSlice, _ keyValues: FloatSlice, output: FloatSlice, logSumExp: FloatSlice,
    scratch: FloatSlice, _ team: ThreadTeam
) {
    let lastKeyRow = shape.sequences * shape.keyLength - 1
    precondition(
        queries.count >= shape.rows * shape.queryStride
            && keyValues.count >= lastKeyRow * shape.keyStride + 2 * shape.kvHeads * shape.headDim
            && output.count == shape.rows * shape.outputStride && logSumExp.count == shape.rows * shape.heads
            && scratch.count >= shape.scratchCount(teamSize: team.size), "attention operands do not fit \(shape)")
}

/// A block of query rows and the keys that any of them may see.
private struct QueryBlock {
    let firstRow: Int
    let rowCount: Int
    /// How many keys came before the first query row of the sequence.
    let cachedKeys: Int
    let firstKey: Int
    let keyCount: Int
    /// The first visible key of each row of the sequence, nil when it is 0 for all.
    let starts: ArraySlice<Int32>?

    /// The keys that a row of the block sees, counted from `firstKey`; both ends included.
    @inline(__always) func visible(_ row: Int) -> (first: Int, last: Int) {
        let first = starts.map { Int($0[$0.startIndex + firstRow + row]) } ?? 0
        return (first - firstKey, cachedKeys + firstRow + row - firstKey)
    }
}

/// Queries, keys and values of one head of one sequence.
private struct HeadView {
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

    func forEachQueryBlock(_ documentStarts: [Int32]?, _ body: (QueryBlock) -> Void) {
        let starts = documentStarts.map { $0[(sequence * shape.length)..<((sequence + 1) * shape.length)] }
        let cachedKeys = shape.keyLength - shape.length
        for firstRow in stride(from: 0, to: shape.length, by: AttentionShape.queryBlock) {
            let rowCount = min(AttentionShape.queryBlock, shape.length - firstRow)
            // Starts never decrease within a sequence, so the first row of a block sees furthest back.
            let firstKey = starts.map { Int($0[$0.startIndex + firstRow]) } ?? 0
            body(
                QueryBlock(
                    firstRow: firstRow, rowCount: rowCount, cachedKeys: cachedKeys, firstKey: firstKey,
                    keyCount: cachedKeys + firstRow + rowCount - firstKey, starts: starts))
        }
    }

    /// scores [rowCount, keyCount] = scale · Q·Kᵀ.
    func scores(_ block: QueryBlock, into scores: UnsafeMutablePointer<Float>) {
        sgemm(
            transposeA: false, transposeB: true, m: block.rowCount, n: block.keyCount, k: shape.headDim,
            alpha: shape.scale, queries + block.firstRow * shape.queryStride, strideA: shape.queryStride,
            keys + block.firstKey * shape.keyStride, strideB: shape.keyStride, beta: 0, scores, strideC: block.keyCount)
    }

    /// dQ = dS·K, dK += dSᵀ·Q, dV += Pᵀ·dO for the rows and keys of a block.
    func addBlockGradients(
        _ block: QueryBlock, probabilities: UnsafeMutablePointer<Float>, dScores: UnsafeMutablePointer<Float>,
        dOutput: UnsafeMutablePointer<Float>, to gradient: HeadView
    ) {
        let stride = shape.queryStride
        let (rowOffset, keyOffset) = (block.firstRow * stride, block.firstKey * stride)
        sgemm(
            transposeA: false, transposeB: false, m: block.rowCount, n: shape.headDim, k: block.keyCount, alpha: 1,
            dScores, strideA: block.keyCount, keys + keyOffset, strideB: stride, beta: 0,
            gradient.queries + rowOffset, strideC: stride)
        sgemm(
            transposeA: true, transposeB: false, m: block.keyCount, n: shape.headDim, k: block.rowCount, alpha: 1,
            dScores, strideA: block.keyCount, queries + rowOffset, strideB: stride, beta: 1,
            gradient.keys + keyOffset, strideC: stride)
        sgemm(
            transposeA: true, transposeB: false, m: block.keyCount, n: shape.headDim, k: block.rowCount, alpha: 1,
            probabilities, strideA: block.keyCount, dOutput, strideB: shape.outputStride, beta: 1,
            gradient.values + keyOffset, strideC: stride)
    }
}

/// dK and dV of one key head start at zero: every query head of its group adds to them.
private func clearKeyGradients(
    _ dFused: UnsafeMutablePointer<Float>, _ shape: AttentionShape, sequence: Int, kvHead: Int
) {
    for row in (sequence * shape.length)..<((sequence + 1) * shape.length) {
        let keys = dFused + row * shape.queryStride + shape.keyOffset + kvHead * shape.headDim
        keys.update(repeating: 0, count: shape.headDim)
        (keys + shape.valueOffset).update(repeating: 0, count: shape.headDim)
    }
}
