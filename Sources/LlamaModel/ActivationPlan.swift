import Kernels

/// How many floats the activations of a microbatch take, and how they are divided: the arithmetic behind `Activations`,
/// which `jreg-dist plan` uses without allocating anything.
public struct ActivationPlan: Sendable {
    let config: LlamaConfig
    let tokens: Int
    let heldStates: Int
    let heldBlocks: Int
    /// `tokens` when there is a backward pass, else 0.
    let trainingTokens: Int
    let attentionScratch: Int
    /// The output projection runs over this many tokens at a time, so that never all logits are held.
    let headChunk: Int
    let headScratch: Int

    /// Fewer, and the output projection's own cost (packing its table, adding to its gradient) shows; more, and the logits
    /// of a chunk are the largest array of all: 65 MB for each rank with a vocabulary of 32000.
    public static let headChunkTokens = 512

    public init(
        _ config: LlamaConfig, sequences: Int, length: Int, purpose: Activations.Purpose, teamSize: Int
    ) {
        self.config = config
        tokens = sequences * length
        switch purpose {
        case .training: (heldStates, heldBlocks) = (config.numHiddenLayers + 1, config.numHiddenLayers)
        case .trainingWithRecompute: (heldStates, heldBlocks) = (config.numHiddenLayers + 1, 1)
        case .evaluation: (heldStates, heldBlocks) = (2, 1)
        }
        trainingTokens = purpose == .evaluation ? 0 : tokens
        attentionScratch = AttentionShape(
            sequences: sequences, length: length, heads: config.numAttentionHeads, kvHeads: config.numKeyValueHeads,
            headDim: config.headDim
        ).scratchCount(teamSize: teamSize)
        headChunk = min(tokens, Self.headChunkTokens)
        // A loss without a gradient may be asked of activations for training too; with a tiny vocabulary it needs more.
        headScratch = [false, purpose != .evaluation].map { [headChunk] in
            CrossEntropyShape(
                rows: headChunk, width: config.hiddenSize, vocabulary: config.vocabSize, hasGradient: $0,
                teamSize: teamSize
            ).scratchCount
        }.max()!
    }

    var gradientFloats: Int { trainingTokens * config.hiddenSize }

    /// All floats of the activations, each part rounded up to whole cache lines.
    public var floats: Int {
        let states = heldStates * ArenaCutter.rounded(tokens * config.hiddenSize)
        let blocks = heldBlocks * (BlockActivations.floats(config, tokens: tokens) + 7 * ArenaCutter.unit)
        let blockScratch =
            tokens * (config.hiddenSize + config.intermediateSize)
            + trainingTokens * (config.intermediateSize + config.fusedWidth + config.queryWidth) + attentionScratch
        let headMemory = headScratch + headChunk * (config.hiddenSize + 1)
        let scratch = max(blockScratch, headMemory) + gradientFloats + 10 * ArenaCutter.unit
        return states + blocks + scratch
    }
}

/// Hands out consecutive parts of an arena, each on a cache line of its own.
struct ArenaCutter {
    static let unit = 16
    private let arena: FloatArena
    private var next = 0

    init(_ arena: FloatArena) { self.arena = arena }

    static func rounded(_ count: Int) -> Int { (count + unit - 1) / unit * unit }

    mutating func take(_ count: Int) -> FloatSlice {
        let slice = arena.all[next..<(next + count)]
        next += Self.rounded(count)
        return slice
    }
}
