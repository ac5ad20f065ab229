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
    var cachedKeys: Int { keyLength - length }
    var scale: Float { 1 / Float(headDim).squareRoot() }

    /// Queries are taken in blocks of this many: the scores of a block are [keys, queryBlock], 256 kB at 1024 keys, so that those of the
    /// backward pass and their gradients stay in the second cache together.
    static let queryBlock = 64

    /// Floats of scratch memory that a team needs.
    public func scratchCount(teamSize: Int) -> Int { teamSize * scratchPerMember }

    var scratchPerMember: Int { AttentionScratch.count(self) }
}

/// The scratch memory of one thread: operands packed for one head and one block of queries, and their scores.
struct AttentionScratch {
    /// Keys and values of a head as the left operand of scores = K·Qᵀ and dP = V·dOᵀ.
    let keysLeft: UnsafeMutablePointer<Float>
    let valuesLeft: UnsafeMutablePointer<Float>
    /// Keys and values as the right operand of dQ = dS·K and O = P·V.
    let keysRight: UnsafeMutablePointer<Float>
    let valuesRight: UnsafeMutablePointer<Float>
    /// Qᵀ and dOᵀ of a block, and Q and dO, all as right operands.
    let queriesTransposed: UnsafeMutablePointer<Float>
    let dOutputTransposed: UnsafeMutablePointer<Float>
    let queries: UnsafeMutablePointer<Float>
    let dOutput: UnsafeMutablePointer<Float>
    /// [keys, queryBlock]: scores and then probabilities, and the gradients of both.
    let scores: UnsafeMutablePointer<Float>
    let dScores: UnsafeMutablePointer<Float>
    /// One number per query of the block: logSumExp (backward) or 1/Σ (forward), and Σ dO∘O.
    let normalizers: UnsafeMutablePointer<Float>
    let rowSums: UnsafeMutablePointer<Float>
    let edge: UnsafeMutablePointer<Float>

    static func count(_ shape: AttentionShape) -> Int { sizes(shape).reduce(0, +) }

    private static func sizes(_ shape: AttentionShape) -> [Int] {
        let block = AttentionShape.queryBlock
        let keys = (shape.keyLength + 15) / 16 * 16
        let width = (shape.headDim + 15) / 16 * 16
        return [Int](repeating: keys * width, count: 4) + [Int](repeating: block * width, count: 4)
            + [keys * block, keys * block, block, block, RegisterTile.size]
    }

    init(_ shape: AttentionShape, _ memory: UnsafeMutablePointer<Float>) {
        var next = memory
        var sizes = Self.sizes(shape)[...]
        func take() -> UnsafeMutablePointer<Float> {
            defer { next += sizes.removeFirst() }
            return next
        }
        (keysLeft, valuesLeft, keysRight, valuesRight) = (take(), take(), take(), take())
        (queriesTransposed, dOutputTransposed, queries, dOutput) = (take(), take(), take(), take())
        (scores, dScores) = (take(), take())
        (normalizers, rowSums, edge) = (take(), take(), take())
    }
}
