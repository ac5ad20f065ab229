import Kernels

/// The memory of one microbatch, allocated once and used for every microbatch of its shape.
public final class Activations {
    /// What is kept of the forward pass.
    public enum Purpose: Sendable {
        /// All that the backward pass reads.
        case training
        /// The hidden states alone: the backward pass runs each block's forward again.
        case trainingWithRecompute
        /// Nothing but the states before and after the current block.
        case evaluation
    }

    public let sequences: Int
    public let length: Int
    public let purpose: Purpose
    let attention: AttentionShape
    private let states: [FloatSlice]
    private let blocks: [BlockActivations]
    let scratch: Scratch
    /// dLoss/dh of the state that the backward pass has reached, [tokens, hidden].
    public let stateGradient: FloatSlice

    public var tokenCount: Int { sequences * length }

    /// h_l, the residual stream after block l (h_0: after the embedding), [tokens, hidden].
    public func state(_ layer: Int) -> FloatSlice { states[layer % states.count] }

    /// Whether all states h_0...h_L are held at once.
    public var keepsStates: Bool { purpose != .evaluation }

    func block(_ layer: Int) -> BlockActivations { blocks[layer % blocks.count] }

    /// - Parameter teamSize: threads, each of which needs scratch memory for attention.
    public init(_ config: LlamaConfig, sequences: Int, length: Int, purpose: Purpose, teamSize: Int) {
        self.sequences = sequences
        self.length = length
        self.purpose = purpose
        attention = AttentionShape(
            sequences: sequences, length: length, heads: config.numAttentionHeads, kvHeads: config.numKeyValueHeads,
            headDim: config.headDim)
        let tokens = sequences * length
        let plan = ActivationPlan(
            config, sequences: sequences, length: length, purpose: purpose, teamSize: teamSize)
        var cutter = ArenaCutter(FloatArena(count: plan.floats))
        states = (0..<plan.heldStates).map { _ in cutter.take(tokens * config.hiddenSize) }
        blocks = (0..<plan.heldBlocks).map { _ in
            BlockActivations(&cutter, config, tokens: tokens)
        }
        stateGradient = cutter.take(plan.gradientFloats)
        scratch = Scratch(cutter, plan)
    }
}

/// What a block's backward pass reads of its forward pass.
struct BlockActivations {
    /// 1/RMS of the block's input, [tokens].
    let inputInverseRMS: FloatSlice
    /// Queries, keys and values after the rotation, [tokens, fusedWidth].
    let fused: FloatSlice
    /// The heads' outputs, [tokens, queryWidth].
    let attention: FloatSlice
    /// [sequences · heads, length].
    let logSumExp: FloatSlice
    /// The residual stream between attention and MLP, [tokens, hidden].
    let middle: FloatSlice
    /// 1/RMS of `middle`, [tokens].
    let middleInverseRMS: FloatSlice
    /// [tokens, 2·intermediate]; the backward pass turns it into its gradient.
    let gateUp: FloatSlice

    init(_ cutter: inout ArenaCutter, _ config: LlamaConfig, tokens: Int) {
        inputInverseRMS = cutter.take(tokens)
        fused = cutter.take(tokens * config.fusedWidth)
        attention = cutter.take(tokens * config.queryWidth)
        logSumExp = cutter.take(tokens * config.numAttentionHeads)
        middle = cutter.take(tokens * config.hiddenSize)
        middleInverseRMS = cutter.take(tokens)
        gateUp = cutter.take(tokens * 2 * config.intermediateSize)
    }

    static func floats(_ config: LlamaConfig, tokens: Int) -> Int {
        tokens
            * (2 + config.fusedWidth + config.queryWidth + config.numAttentionHeads + config.hiddenSize + 2
                * config.intermediateSize)
    }
}

/// Memory that holds nothing between two calls. The head runs when no block does, so that both have the same memory.
struct Scratch {
    /// A normalised input and its gradient, [tokens, hidden] each (one memory: never needed together).
    let normed: FloatSlice
    /// SwiGLU's output, [tokens, intermediate].
    let activated: FloatSlice
    /// Its gradient, [tokens, intermediate].
    let activatedGradient: FloatSlice
    /// The gradient of the fused projection, [tokens, fusedWidth].
    let fusedGradient: FloatSlice
    /// The gradient of the heads' outputs, [tokens, queryWidth].
    let attentionGradient: FloatSlice
    let attention: FloatSlice
    /// Of the cross-entropy: the logits of a chunk, and more.
    let head: FloatSlice
    /// The final norm of a chunk, its gradient, and its 1/RMS.
    let headNormed: FloatSlice
    let headInverseRMS: FloatSlice

    init(_ cutter: ArenaCutter, _ plan: ActivationPlan) {
        var blocks = cutter
        normed = blocks.take(plan.tokens * plan.config.hiddenSize)
        activated = blocks.take(plan.tokens * plan.config.intermediateSize)
        activatedGradient = blocks.take(plan.trainingTokens * plan.config.intermediateSize)
        fusedGradient = blocks.take(plan.trainingTokens * plan.config.fusedWidth)
        attentionGradient = blocks.take(plan.trainingTokens * plan.config.queryWidth)
        attention = blocks.take(plan.attentionScratch)
        var heads = cutter
        head = heads.take(plan.headScratch)
        headNormed = heads.take(plan.headChunk * plan.config.hiddenSize)
        headInverseRMS = heads.take(plan.headChunk)
    }
}
