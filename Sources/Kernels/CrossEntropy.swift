import Glibc

/// The output projection and its cross-entropy as one kernel: [rows, width] hidden states, a [vocabulary, width] table.
///
/// The vocabulary is taken in groups of columns. While the logits of a group are in the cache, each row's maximum m, the
/// sum of its e^(x − m) and these exponentials themselves replace them. A softmax over all groups needs one factor per row
/// and group more, which the backward pass applies when it comes by anyway. So logits travel to memory and back once,
/// where separate steps (product, maximum, exponentials, scale, two more products) would take them seven times; with a
/// vocabulary of 32000 that travel cost a quarter of the head's time.
public struct CrossEntropyShape: Sendable {
    public let rows: Int
    public let width: Int
    public let vocabulary: Int
    /// Whether a gradient follows: only then the exponentials of all groups are kept.
    public let hasGradient: Bool
    let teamSize: Int

    public init(rows: Int, width: Int, vocabulary: Int, hasGradient: Bool, teamSize: Int) {
        self.rows = rows
        self.width = width
        self.vocabulary = vocabulary
        self.hasGradient = hasGradient
        self.teamSize = teamSize
    }

    /// Columns of a group: 192 rows of them fill a sixth of a second cache of 2 MB.
    static let group = 384

    var groups: Int { (vocabulary + Self.group - 1) / Self.group }

    /// The columns of group `index`.
    func columns(_ index: Int) -> Range<Int> {
        (index * Self.group)..<min(vocabulary, (index + 1) * Self.group)
    }

    /// Floats of scratch memory: the exponentials, a factor per row and group, and the packed hidden states.
    public var scratchCount: Int { logitsCount + 2 * groups * rows + 2 * rows + panelCount * (hasGradient ? 2 : 1) }

    /// Between rows of logits: without a gradient each thread has a group of its own.
    var logitsStride: Int { hasGradient ? vocabulary : min(vocabulary, Self.group) }
    var logitsCount: Int { rows * logitsStride * (hasGradient ? 1 : teamSize) }
    var panelCount: Int { max((rows + 7) / 8 * 8 * width, rows * ((width + 15) / 16 * 16)) }
}

/// losses[t] = logSumExp − logit[t, target] and squares[t] = logSumExp² (for the z-loss of PaLM, arXiv 2204.02311).
/// hidden: [rows, width]; weight: [vocabulary, width]; losses, squares: [rows]. Leaves in `scratch` what
/// `crossEntropyBackward` needs for the gradient of gradientScale · (losses + zLoss · squares).
public func crossEntropyForward(
    _ shape: CrossEntropyShape, hidden: FloatSlice, weight: FloatSlice, targets: ArraySlice<Int32>, losses: FloatSlice,
    squares: FloatSlice, gradientScale: Float, zLoss: Float, scratch: FloatSlice, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.crossEntropy) }
    check(shape, hidden, weight, targets, scratch, team)
    precondition(losses.count == shape.rows && squares.count == shape.rows, "\(losses.count) losses of \(shape)")
    if shape.rows == 0 { return }
    let memory = CrossEntropyScratch(shape, scratch)
    let (rows, groups) = (shape.rows, shape.groups)
    let weight = weight.pointer
    let targets = Array(targets)
    memory.packLeft(hidden.pointer)

    team.forEachRange(of: groups, unit: 1, minimum: 1) { range, member in
        let right = team.packing(of: member).pointer
        let edge = right + Blocking.rightCount
        for group in range {
            let columns = shape.columns(group)
            let logits = memory.logits(group, member)
            Blocking.forEachDepth(shape.width) { depth in
                Panels.packColumns(
                    weight + columns.lowerBound * shape.width + depth.lowerBound, stride: shape.width,
                    isTransposed: true, columns: columns.count, depth: depth.count, into: right)
                for first in stride(from: 0, to: rows, by: CrossEntropyScratch.blockRows) {
                    let block = first..<min(rows, first + CrossEntropyScratch.blockRows)
                    multiplyPanels(
                        memory.left(depth, row: first), right, rows: block.count, columns: columns.count,
                        depth: depth.count, output: logits + first * shape.logitsStride, stride: shape.logitsStride,
                        accumulate: depth.lowerBound > 0, edge: edge)
                    if depth.upperBound < shape.width { continue }
                    for row in block {
                        let x = logits + row * shape.logitsStride
                        let target = Int(targets[row]) - columns.lowerBound
                        if target >= 0 && target < columns.count { memory.targetLogits[row] = x[target] }
                        let top = maximum(x, count: columns.count)
                        memory.maxima[group * rows + row] = top
                        memory.sums[group * rows + row] = exponentiate(x, subtracting: top, count: columns.count)
                    }
                }
            }
        }
    }
    let (losses, squares) = (losses.pointer, squares.pointer)
    for row in 0..<rows {
        let (top, total) = memory.total(row)
        let logSumExp = top + log(total)
        losses[row] = logSumExp - memory.targetLogits[row]
        squares[row] = logSumExp * logSumExp
        guard shape.hasGradient else { continue }
        let scale = gradientScale * (1 + 2 * zLoss * logSumExp) / total
        for group in 0..<groups {
            memory.factors[group * rows + row] = scale * exponential(memory.maxima[group * rows + row] - top)
        }
    }
}

/// dLogits = gradientScale · (softmax · (1 + 2·zLoss·logSumExp) − onehot(target)), dHidden = dLogits · weight and
/// dWeight (+)= dLogitsᵀ · hidden, added when `accumulate`, else overwritten. dHidden may be `hidden` itself.
public func crossEntropyBackward(
    _ shape: CrossEntropyShape, dHidden: FloatSlice, dWeight: FloatSlice, accumulate: Bool, hidden: FloatSlice,
    weight: FloatSlice, targets: ArraySlice<Int32>, gradientScale: Float, scratch: FloatSlice, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.crossEntropy) }
    check(shape, hidden, weight, targets, scratch, team)
    precondition(
        shape.hasGradient && dHidden.count == hidden.count && dWeight.count == weight.count,
        "no gradient of this shape was prepared: \(shape)")
    if shape.rows == 0 { return }
    let memory = CrossEntropyScratch(shape, scratch)
    let (rows, width) = (shape.rows, shape.width)
    let dWeight = dWeight.pointer
    let targets = Array(targets)
    memory.packRight(hidden.pointer)

    team.forEachRange(of: shape.groups, unit: 1, minimum: 1) { range, member in
        let left = team.packing(of: member).pointer
        let edge = left + Blocking.leftCount + Blocking.rightCount
        let rowsPerBlock = max(8, min(CrossEntropyShape.group, Blocking.rightCount / rows / 8 * 8))
        for group in range {
            let columns = shape.columns(group)
            let logits = memory.logits(group, member)
            for row in 0..<rows {
                let x = logits + row * shape.logitsStride
                scale(x, by: memory.factors[group * rows + row], count: columns.count)
                let target = Int(targets[row]) - columns.lowerBound
                if target >= 0 && target < columns.count { x[target] -= gradientScale }
            }
            for first in stride(from: 0, to: columns.count, by: rowsPerBlock) {
                let count = min(rowsPerBlock, columns.count - first)
                Panels.packRows(
                    logits + first, stride: shape.logitsStride, isTransposed: true, rows: count, depth: rows,
                    into: left)
                multiplyPanels(
                    left, memory.right, rows: count, columns: width, depth: rows,
                    output: dWeight + (columns.lowerBound + first) * width, stride: width, accumulate: accumulate,
                    edge: edge)
            }
        }
    }
    multiply(
        scratch[0..<shape.logitsCount].matrix(rows, shape.vocabulary), weight.matrix(shape.vocabulary, width),
        into: dHidden.matrix(rows, width), on: team)
}

private func check(
    _ shape: CrossEntropyShape, _ hidden: FloatSlice, _ weight: FloatSlice, _ targets: ArraySlice<Int32>,
    _ scratch: FloatSlice, _ team: ThreadTeam
) {
    precondition(
        targets.count == shape.rows && hidden.count == shape.rows * shape.width
            && weight.count == shape.vocabulary * shape.width && scratch.count >= shape.scratchCount
            && team.size <= shape.teamSize, "cross-entropy operands do not fit \(shape)")
    for target in targets {
        precondition(
            target >= 0 && target < shape.vocabulary, "target \(target) of a vocabulary of \(shape.vocabulary)")
    }
}

/// The parts of the scratch memory.
private struct CrossEntropyScratch: @unchecked Sendable {
    /// Rows whose logits of one group stay in the second cache between the product and the exponentials.
    static let blockRows = 192

    let shape: CrossEntropyShape
    private let logits: UnsafeMutablePointer<Float>
    /// Of each row in each group, [groups, rows].
    let maxima: UnsafeMutablePointer<Float>
    let sums: UnsafeMutablePointer<Float>
    /// [rows].
    let targetLogits: UnsafeMutablePointer<Float>
    /// The hidden states as `multiplyPanels` takes them, from the left and from the right.
    private let leftPanels: UnsafeMutablePointer<Float>
    let right: UnsafeMutablePointer<Float>

    init(_ shape: CrossEntropyShape, _ scratch: FloatSlice) {
        self.shape = shape
        logits = scratch.pointer
        maxima = logits + shape.logitsCount
        sums = maxima + shape.groups * shape.rows
        targetLogits = sums + shape.groups * shape.rows
        leftPanels = targetLogits + 2 * shape.rows
        right = leftPanels + shape.panelCount
    }

    /// What each group's exponentials are multiplied by to become the gradient, [groups, rows]; in the place of the sums.
    var factors: UnsafeMutablePointer<Float> { sums }

    func logits(_ group: Int, _ member: Int) -> UnsafeMutablePointer<Float> {
        logits + (shape.hasGradient ? group * CrossEntropyShape.group : member * shape.rows * shape.logitsStride)
    }

    func packLeft(_ hidden: UnsafePointer<Float>) {
        Blocking.forEachDepth(shape.width) { depth in
            Panels.packRows(
                hidden + depth.lowerBound, stride: shape.width, isTransposed: false, rows: shape.rows,
                depth: depth.count, into: left(depth, row: 0))
        }
    }

    func packRight(_ hidden: UnsafePointer<Float>) {
        Panels.packColumns(
            hidden, stride: shape.width, isTransposed: false, columns: shape.width, depth: shape.rows, into: right)
    }

    func left(_ depth: Range<Int>, row: Int) -> UnsafeMutablePointer<Float> {
        leftPanels + (shape.rows + 7) / 8 * 8 * depth.lowerBound + row * depth.count
    }

    /// The maximum m of a row and Σ e^(x − m), over all groups in their order.
    func total(_ row: Int) -> (top: Float, sum: Float) {
        let rows = shape.rows
        let top = (0..<shape.groups).reduce(-Float.infinity) { max($0, maxima[$1 * rows + row]) }
        let sum: Float = (0..<shape.groups).reduce(0) {
            $0 + sums[$1 * rows + row] * exponential(maxima[$1 * rows + row] - top)
        }
        return (top, sum)
    }
}
