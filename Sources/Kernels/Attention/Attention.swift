/// softmax(Q·Kᵀ/√headDim, causal)·V per head, in blocks of queries that skip the masked half tile by tile; grouped-query
/// attention lets heads/kvHeads queries share a key. Blocks and kept logSumExp as in Dao et al., arXiv 2205.14135.
/// output: [rows, heads·headDim]; logSumExp: [sequences·heads, length], kept for the backward pass; queries: fused rows;
/// keyValues: rows of kvHeads·headDim keys and as many values, beginning with the first key.
///
/// Scores are held transposed, [keys, queries]: the softmax then runs down the columns, sixteen queries at a time and
/// without a sum across a register; and both products that follow read them in place as a left operand.
/// - Parameter documentStarts: [rows], the first position (within its sequence) that a row may see; nil: position 0.
public func attentionForward(
    output: FloatSlice, logSumExp: FloatSlice, queries: FloatSlice, keyValues: FloatSlice, shape: AttentionShape,
    documentStarts: [Int32]?, scratch: FloatSlice, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.attention) }
    check(shape, queries, keyValues, output: output, logSumExp: logSumExp, scratch: scratch, team)
    let (queries, keyValues) = (queries.pointer, keyValues.pointer)
    let (output, lse, scratch) = (output.pointer, logSumExp.pointer, scratch.pointer)
    team.forEachTask(shape.sequences * shape.heads) { task, member in
        let (sequence, head) = (task / shape.heads, task % shape.heads)
        let memory = AttentionScratch(shape, scratch + member * shape.scratchPerMember)
        let view = AttentionHead(shape, queries, keyValues, sequence: sequence, head: head)
        let output = output + sequence * shape.length * shape.outputStride + head * shape.headDim
        let lse = lse + task * shape.length
        view.packKeys(memory.keysLeft)
        view.packValueRows(memory.valuesRight)
        view.forEachBlock(documentStarts) { block in
            block.multiplyTransposed(
                keys: memory.keysLeft, view.queries, stride: shape.queryStride, packed: memory.queriesTransposed,
                into: memory.scores, edge: memory.edge)
            block.softmax(memory.scores, logSumExp: lse + block.firstRow, inverseSums: memory.normalizers)
            block.multiply(
                memory.scores, memory.valuesRight, into: output + block.firstRow * shape.outputStride,
                stride: shape.outputStride, edge: memory.edge)
            for row in 0..<block.rowCount {
                scale(
                    output + (block.firstRow + row) * shape.outputStride, by: memory.normalizers[row],
                    count: shape.headDim)
            }
        }
    }
}

/// dFused (overwritten) from dOutput: scores are computed anew from the kept logSumExp, then
/// dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P∘(dP − Σ dO∘O)/√headDim, dQ = dS·K, dK = dSᵀ·Q; shapes as in the forward.
public func attentionBackward(
    dFused: FloatSlice, dOutput: FloatSlice, output: FloatSlice, logSumExp: FloatSlice, fused: FloatSlice,
    shape: AttentionShape, documentStarts: [Int32]?, scratch: FloatSlice, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.attention) }
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
        let memory = AttentionScratch(shape, scratch + member * shape.scratchPerMember)
        for head in (kvHead * group)..<((kvHead + 1) * group) {
            let view = AttentionHead(shape, fused, fused + shape.keyOffset, sequence: sequence, head: head)
            let gradient = AttentionHead(shape, dFused, dFused + shape.keyOffset, sequence: sequence, head: head)
            if head == kvHead * group {
                view.packKeys(memory.keysLeft)
                view.packValues(memory.valuesLeft)
                view.packKeyRows(memory.keysRight)
                gradient.clearKeysAndValues()
            }
            let start = sequence * shape.length * shape.outputStride + head * shape.headDim
            let (output, dOutput) = (output + start, dOutput + start)
            let lse = lse + (sequence * shape.heads + head) * shape.length
            view.forEachBlock(documentStarts) { block in
                let blockQueries = view.queries + block.firstRow * shape.queryStride
                let blockGradient = dOutput + block.firstRow * shape.outputStride
                for row in 0..<block.rowCount {
                    let offset = (block.firstRow + row) * shape.outputStride
                    memory.rowSums[row] = dot(output + offset, dOutput + offset, count: shape.headDim)
                    memory.normalizers[row] = lse[block.firstRow + row]
                }
                block.multiplyTransposed(
                    keys: memory.keysLeft, view.queries, stride: shape.queryStride, packed: memory.queriesTransposed,
                    into: memory.scores, edge: memory.edge)
                block.multiplyTransposed(
                    keys: memory.valuesLeft, dOutput, stride: shape.outputStride, packed: memory.dOutputTransposed,
                    into: memory.dScores, edge: memory.edge)
                block.softmaxGradient(
                    memory.scores, memory.dScores, logSumExp: memory.normalizers, rowSums: memory.rowSums)
                block.multiply(
                    memory.dScores, memory.keysRight,
                    into: gradient.queries + block.firstRow * shape.queryStride, stride: shape.queryStride,
                    edge: memory.edge)
                block.addTransposedProduct(
                    memory.dScores, blockQueries, stride: shape.queryStride, packed: memory.queries,
                    to: gradient.keys, edge: memory.edge)
                block.addTransposedProduct(
                    memory.scores, blockGradient, stride: shape.outputStride, packed: memory.dOutput,
                    to: gradient.values, edge: memory.edge)
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
