internal import COpenBLAS

/// c = a·b by OpenBLAS, or c += a·b: what `multiply` is measured against.
public func multiplyByOpenBLAS(_ a: Matrix, _ b: Matrix, into c: Matrix, accumulate: Bool = false) {
    cblas_sgemm(
        CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
        blasint(c.rows), blasint(c.columns), blasint(a.innerCount), 1, a.slice.pointer, blasint(a.stride),
        b.slice.pointer, blasint(b.stride), accumulate ? 1 : 0, c.slice.pointer, blasint(c.stride))
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
