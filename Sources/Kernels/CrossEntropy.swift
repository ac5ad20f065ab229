import Glibc

/// Per row t of logits [rows, vocabulary]: losses[t] = logSumExp − logits[t, target] and squares[t] = logSumExp²
/// (for the z-loss of PaLM, arXiv 2204.02311). With a gradient scale s the logits become their gradient in place,
/// s·(softmax − onehot(target)) + s·2·zLoss·logSumExp·softmax; without one they are left undefined.
public func crossEntropy(
    logits: FloatSlice, targets: ArraySlice<Int32>, losses: FloatSlice, squares: FloatSlice, gradientScale: Float?,
    zLoss: Float, on team: ThreadTeam
) {
    let rows = targets.count
    let vocabulary = rows == 0 ? 0 : logits.count / rows
    precondition(
        logits.count == rows * vocabulary && losses.count == rows && squares.count == rows,
        "\(logits.count) logits for \(rows) targets")
    let (x, losses, squares) = (logits.pointer, losses.pointer, squares.pointer)
    team.forEachRange(of: rows, minimum: 4) { range in
        for row in range {
            let logits = x + row * vocabulary
            let target = Int(targets[targets.startIndex + row])
            precondition(target >= 0 && target < vocabulary, "target \(target) of a vocabulary of \(vocabulary)")
            let targetLogit = logits[target]
            let maximum = maximum(logits, count: vocabulary)
            let total = exponentiate(logits, subtracting: maximum, count: vocabulary)
            let logSumExp = maximum + log(total)
            losses[row] = logSumExp - targetLogit
            squares[row] = logSumExp * logSumExp
            guard let gradientScale else { continue }
            scale(logits, by: gradientScale * (1 + 2 * zLoss * logSumExp) / total, count: vocabulary)
            logits[target] -= gradientScale
        }
    }
}
