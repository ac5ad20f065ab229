import Kernels

/// A Llama decoder (Touvron et al., arXiv 2302.13971) over weights that live in a flat arena.
///
/// The model owns no weights: `parameters` may be memory that every rank of a node shares. It knows nothing of the loss
/// either: `forward` leaves the hidden states, the objective turns the last of them into a gradient, `backward` takes it
/// from there down to the embedding.
public final class Llama {
    public let config: LlamaConfig
    public let layout: ParameterLayout
    /// [layout.count].
    public let parameters: FloatSlice
    public let team: ThreadTeam
    /// The longest sequence that can be run.
    public let maximumLength: Int
    let rotary: RotaryTable

    public init(_ config: LlamaConfig, parameters: FloatSlice, maximumLength: Int, team: ThreadTeam) {
        self.config = config
        layout = ParameterLayout(config)
        precondition(
            parameters.count == layout.count, "\(parameters.count) parameters for a model of \(layout.count)")
        self.parameters = parameters
        self.team = team
        self.maximumLength = maximumLength
        rotary = RotaryTable(frequencies: config.rotaryFrequencies, positions: maximumLength)
    }

    /// Runs the embedding and all blocks; `visit` is called with (l, h_{l−1}, h_l) as soon as block l is done, while both
    /// are in the cache.
    public func forward(
        _ batch: TokenBatch, _ activations: Activations,
        visit: (_ layer: Int, _ before: FloatSlice, _ after: FloatSlice) throws -> Void = { _, _, _ in }
    ) rethrows {
        precondition(
            batch.sequences == activations.sequences && batch.length == activations.length,
            "a batch of \(batch.sequences) × \(batch.length) in activations of \(activations.sequences) × \(activations.length)"
        )
        embeddingForward(
            output: activations.state(0), table: parameters[layout.embedding], tokens: batch.inputs,
            width: config.hiddenSize)
        for layer in 0..<config.numHiddenLayers {
            let (input, output) = (activations.state(layer), activations.state(layer + 1))
            blockForward(layer, input: input, output: output, activations, batch)
            try visit(layer + 1, input, output)
        }
    }

    /// Takes `activations.stateGradient` from dLoss/dh_L to dLoss/dh_0 and the gradient of every weight into `gradients`
    /// (laid out like the parameters; added to when `accumulate`, else overwritten; the head's part is the head's own).
    /// - Parameters:
    ///   - addStateGradient: adds what the objective itself asks of h_l, before block l's backward reads it.
    ///   - finished: is told, as the backward pass comes down, from which float on `gradients` are complete; 0 at the end.
    public func backward(
        _ batch: TokenBatch, _ activations: Activations, gradients: FloatSlice, accumulate: Bool,
        addStateGradient: (_ layer: Int, _ gradient: FloatSlice) -> Void = { _, _ in },
        finished: (_ first: Int) -> Void = { _ in }
    ) {
        precondition(activations.keepsStates, "activations for evaluation hold too little for a backward pass")
        finished(layout.finalNorm.lowerBound)
        for layer in (0..<config.numHiddenLayers).reversed() {
            addStateGradient(layer + 1, activations.stateGradient)
            let input = activations.state(layer)
            if activations.purpose == .trainingWithRecompute {
                blockForward(layer, input: input, output: nil, activations, batch)
            }
            blockBackward(layer, input: input, activations, batch, gradients, accumulate)
            finished(layout.blocks[layer].all.lowerBound)
        }
        addStateGradient(0, activations.stateGradient)
        let dEmbedding = gradients[layout.embedding]
        // A tied head has already written its share into the embedding's gradient.
        if !accumulate && !config.tieWordEmbeddings { dEmbedding.fill(0) }
        embeddingBackward(
            dTable: dEmbedding, dOutput: activations.stateGradient, tokens: batch.inputs, width: config.hiddenSize,
            on: team)
        finished(0)
    }
}
