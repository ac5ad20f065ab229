internal import COpenBLAS

/// c = a·b, or c += a·b with `accumulate`. a [m, k], b [k, n], c [m, n]; a and b may be transposed views.
///
/// Where the cut of the work among threads would change bits, it is made at places that depend on the shape alone.
public func multiply(_ a: Matrix, _ b: Matrix, into c: Matrix, accumulate: Bool = false, on team: ThreadTeam) {
    let (m, n, k) = (c.rows, c.columns, a.innerCount)
    precondition(
        a.outerCount == m && b.innerCount == n && b.outerCount == k && !c.isTransposed,
        "[\(a.outerCount), \(a.innerCount)] · [\(b.outerCount), \(b.innerCount)] does not give [\(m), \(n)]")
    if m == 0 || n == 0 { return }
    let product = Product(a: a, b: b, c: c, k: k, beta: accumulate ? 1 : 0)
    let cutsRows = m >= n || n < 256
    let length = cutsRows ? m : n
    let pieces = numberOfPieces(length: length, work: m * n * k, teamSize: team.size)
    let units = (length + 15) / 16
    team.forEachTask(pieces) { piece, _ in
        let begin = min(length, units * piece / pieces * 16)
        let end = min(length, units * (piece + 1) / pieces * 16)
        if begin == end { return }
        product.run(rows: cutsRows ? begin..<end : 0..<m, columns: cutsRows ? 0..<n : begin..<end)
    }
}

/// How many parts a product is cut into: as many as there are threads where cuts leave no trace, else one per 256 rows.
private func numberOfPieces(length: Int, work: Int, teamSize: Int) -> Int {
    let most = min(length / 16, work / (4 * BLASKernel.smallProduct))
    if most < 2 { return 1 }
    return BLASKernel.isIndifferentToCuts ? min(teamSize, most) : min((length + 255) / 256, most)
}

/// One call of sgemm on part of the output.
private struct Product: @unchecked Sendable {
    let a: Matrix
    let b: Matrix
    let c: Matrix
    let k: Int
    let beta: Float

    func run(rows: Range<Int>, columns: Range<Int>) {
        let aOffset = a.isTransposed ? rows.lowerBound : rows.lowerBound * a.stride
        let bOffset = b.isTransposed ? columns.lowerBound * b.stride : columns.lowerBound
        sgemm(
            transposeA: a.isTransposed, transposeB: b.isTransposed, m: rows.count, n: columns.count, k: k, alpha: 1,
            a.slice.pointer + aOffset, strideA: a.stride, b.slice.pointer + bOffset, strideB: b.stride, beta: beta,
            c.slice.pointer + rows.lowerBound * c.stride + columns.lowerBound, strideC: c.stride)
    }
}

/// C = alpha·op(A)·op(B) + beta·C, row-major, on the calling thread.
@inline(__always) func sgemm(
    transposeA: Bool, transposeB: Bool, m: Int, n: Int, k: Int, alpha: Float,
    _ a: UnsafePointer<Float>, strideA: Int, _ b: UnsafePointer<Float>, strideB: Int, beta: Float,
    _ c: UnsafeMutablePointer<Float>, strideC: Int
) {
    cblas_sgemm(
        CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
        blasint(m), blasint(n), blasint(k), alpha, a, blasint(strideA), b, blasint(strideB), beta, c, blasint(strideC))
}
