/// c = a·b, or c += a·b with `accumulate`. a [m, k], b [k, n], c [m, n]; a and b may be transposed views.
///
/// Blocked as in Goto and van de Geijn (2008), "Anatomy of high-performance matrix multiplication": a block of b lies
/// packed in the outer caches, one of a in the second, and tiles of c in registers. Every element of c is one chain of
/// multiply-adds over k, broken only where k alone says so; so no bit depends on where rows and columns are cut, and a
/// rank with two threads gives the bits of two ranks with one.
public func multiply(_ a: Matrix, _ b: Matrix, into c: Matrix, accumulate: Bool = false, on team: ThreadTeam) {
    team.timeline.begin()
    defer { team.timeline.end(.gemm) }
    let (m, n, k) = (c.rows, c.columns, a.innerCount)
    precondition(
        a.outerCount == m && b.innerCount == n && b.outerCount == k && !c.isTransposed,
        "[\(a.outerCount), \(a.innerCount)] · [\(b.outerCount), \(b.innerCount)] does not give [\(m), \(n)]")
    if m == 0 || n == 0 { return }
    let product = Product(a: a, b: b, c: c, depth: k, accumulate: accumulate)
    // Every thread packs for itself, so the larger side is cut and the smaller one packed twice.
    let minimum = product.isWorthCutting ? RegisterTile.rows : .max
    if m >= n {
        team.forEachRange(of: m, unit: RegisterTile.rows, minimum: minimum) { rows, member in
            product.run(rows: rows, columns: 0..<n, scratch: team.packing(of: member))
        }
    } else {
        team.forEachRange(of: n, unit: 16 * RegisterTile.registers, minimum: minimum) { columns, member in
            product.run(rows: 0..<m, columns: columns, scratch: team.packing(of: member))
        }
    }
}

/// How a product is cut for the caches, in floats. Measured on a core with 2 MB of second cache; between half and twice
/// these sizes the speed stays within 2 %.
enum Blocking {
    /// The longest stretch of k: the panel of a tile's columns (3 · 64 B · 768 = 144 kB) stays in the second cache.
    static let depth = 768
    /// A block of a, 24 panels of rows at full depth: 576 kB of the second cache.
    static let leftCount = 192 * depth
    /// A block of b: 4 MB of the third cache, or of memory, from where it is read once for each block of a.
    static let rightCount = 1344 * depth
    static let scratchCount = leftCount + rightCount + RegisterTile.size

    /// k in equal parts no longer than `depth`.
    static func forEachDepth(_ k: Int, _ body: (Range<Int>) -> Void) {
        let parts = max(1, (k + depth - 1) / depth)
        let length = ((k + parts - 1) / parts + 7) / 8 * 8
        var first = 0
        repeat {
            let end = min(k, first + length)
            body(first..<end)
            first = end
        } while first < k
    }
}

/// One product, or the part of it that a thread computes.
private struct Product: @unchecked Sendable {
    let a: Matrix
    let b: Matrix
    let c: Matrix
    let depth: Int
    let accumulate: Bool

    var isWorthCutting: Bool { c.rows * c.columns * depth > 1_000_000 }

    func run(rows: Range<Int>, columns: Range<Int>, scratch: FloatSlice) {
        let left = scratch.pointer
        let right = left + Blocking.leftCount
        let edge = right + Blocking.rightCount
        Blocking.forEachDepth(depth) { depth in
            let columnsPerBlock = Blocking.rightCount / max(depth.count, 1) / 48 * 48
            let rowsPerBlock = Blocking.leftCount / max(depth.count, 1) / 8 * 8
            for firstColumn in stride(from: columns.lowerBound, to: columns.upperBound, by: columnsPerBlock) {
                let columns = firstColumn..<min(columns.upperBound, firstColumn + columnsPerBlock)
                Panels.packColumns(
                    b.slice.pointer + b.offset(row: depth.lowerBound, column: firstColumn), stride: b.stride,
                    isTransposed: b.isTransposed, columns: columns.count, depth: depth.count, into: right)
                for firstRow in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsPerBlock) {
                    let rows = firstRow..<min(rows.upperBound, firstRow + rowsPerBlock)
                    Panels.packRows(
                        a.slice.pointer + a.offset(row: firstRow, column: depth.lowerBound), stride: a.stride,
                        isTransposed: a.isTransposed, rows: rows.count, depth: depth.count, into: left)
                    multiplyPanels(
                        left, right, rows: rows.count, columns: columns.count, depth: depth.count,
                        output: c.slice.pointer + c.offset(row: firstRow, column: firstColumn), stride: c.stride,
                        accumulate: accumulate || depth.lowerBound > 0, edge: edge)
                }
            }
        }
    }
}
