internal import COpenBLAS

/// c = a·b by OpenBLAS, or c += a·b: what `multiply` is measured against.
public func multiplyByOpenBLAS(_ a: Matrix, _ b: Matrix, into c: Matrix, accumulate: Bool = false) {
    cblas_sgemm(
        CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
        blasint(c.rows), blasint(c.columns), blasint(a.innerCount), 1, a.slice.pointer, blasint(a.stride),
        b.slice.pointer, blasint(b.stride), accumulate ? 1 : 0, c.slice.pointer, blasint(c.stride))
}
