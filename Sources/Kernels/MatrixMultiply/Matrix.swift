/// Row-major [rows, columns] read from a view, with rows `stride` floats apart; `isTransposed` swaps the two on use.
public struct Matrix: Sendable {
    public let slice: FloatSlice
    public let rows: Int
    public let columns: Int
    public let stride: Int
    let isTransposed: Bool

    init(slice: FloatSlice, rows: Int, columns: Int, stride: Int, isTransposed: Bool = false) {
        precondition(
            rows == 0 || slice.count >= (rows - 1) * stride + columns,
            "\(slice.count) floats cannot hold \(rows) rows of \(columns), \(stride) apart")
        self.slice = slice
        self.rows = rows
        self.columns = columns
        self.stride = stride
        self.isTransposed = isTransposed
    }

    /// [columns, rows], without moving anything.
    public var transposed: Matrix {
        Matrix(slice: slice, rows: rows, columns: columns, stride: stride, isTransposed: !isTransposed)
    }

    /// Where element (row, column) lies in the view; as for the counts below, after a transposition.
    func offset(row: Int, column: Int) -> Int { isTransposed ? column * stride + row : row * stride + column }
    var outerCount: Int { isTransposed ? columns : rows }
    var innerCount: Int { isTransposed ? rows : columns }
}

extension FloatSlice {
    /// The view as [rows, columns].
    public func matrix(_ rows: Int, _ columns: Int) -> Matrix {
        Matrix(slice: self, rows: rows, columns: columns, stride: columns)
    }

    /// Some columns of a wider matrix whose rows are `stride` apart; the view begins at the first of them.
    public func matrix(_ rows: Int, _ columns: Int, stride: Int) -> Matrix {
        Matrix(slice: self, rows: rows, columns: columns, stride: stride)
    }
}
