import Kernels
import LlamaModel

/// What is minimised: L = CE + λ·JREG + zLoss·⟨logSumExp²⟩, each a mean over the tokens of the global batch.
public struct ObjectiveSettings: Sendable {
    /// λ at full strength; 0 without a regularizer.
    public let lambda: Double
    /// The regularizer of hidden states; nil, for plain cross-entropy, where λ is 0.
    public let regularizer: (any HiddenStateTerm)?
    /// λ rises linearly over this many steps; 0: full from the start.
    public var warmupSteps: Int
    public var zLoss: Double

    public init(lambda: Double, regularizer: (any HiddenStateTerm)?, warmupSteps: Int = 0, zLoss: Double = 0) {
        self.lambda = regularizer == nil ? 0 : lambda
        self.regularizer = lambda == 0 ? nil : regularizer
        self.warmupSteps = warmupSteps
        self.zLoss = zLoss
    }

    /// λ of the `step`-th update, counted from 1.
    public func lambda(atStep step: Int) -> Double {
        warmupSteps > 0 && step < warmupSteps ? lambda * Double(step) / Double(warmupSteps) : lambda
    }
}

/// The loss of microbatches of one shape and its gradient with respect to hidden states and head.
public final class Objective {
    public let settings: ObjectiveSettings
    private let steps: AngularSteps
    /// Per token: the loss and logSumExp², [tokens] each.
    private let losses: FloatSlice
    private let squares: FloatSlice
    private let team: ThreadTeam

    public init(_ settings: ObjectiveSettings, config: LlamaConfig, tokens: Int, team: ThreadTeam) {
        self.settings = settings
        self.team = team
        steps = AngularSteps(layers: config.numHiddenLayers, tokens: tokens, width: config.hiddenSize, team: team)
        let arena = FloatArena(count: 2 * tokens)
        losses = arena.all[0..<tokens]
        squares = arena.all[tokens..<(2 * tokens)]
    }

    /// To be called for each block of a forward pass as soon as it is done: the profile of jumps costs one pass over two
    /// states that are still in the cache.
    public func visit(_ layer: Int, before: FloatSlice, after: FloatSlice) {
        team.timeline.measure(.jreg) { steps.record(layer, before: before, after: after) }
    }

    /// After a forward pass: the sums over the microbatch's tokens. With a `GradientRequest`, also dLoss/dh_L into
    /// `activations.stateGradient` and the head's gradients.
    public func evaluate(
        _ model: Llama, _ batch: TokenBatch, _ activations: Activations, gradient: GradientRequest? = nil
    ) -> LossSums {
        let finalState = activations.state(model.config.numHiddenLayers)
        let tokens = 0..<batch.tokenCount
        if let gradient {
            model.headForwardBackward(
                state: finalState, targets: batch.targets, losses: losses[tokens], squares: squares[tokens],
                scale: Float(1 / Double(gradient.globalTokens)), zLoss: Float(settings.zLoss), activations,
                gradients: gradient.gradients, accumulate: gradient.accumulate)
        } else {
            model.headForward(
                state: finalState, targets: batch.targets, losses: losses[tokens], squares: squares[tokens],
                activations)
        }
        return sums(batch.tokenCount)
    }

    /// The cross-entropy, summed over tokens, of any hidden state read out through the final norm and the head.
    public func readOut(_ model: Llama, _ batch: TokenBatch, _ activations: Activations, state: FloatSlice) -> Double {
        let tokens = 0..<batch.tokenCount
        model.headForward(
            state: state, targets: batch.targets, losses: losses[tokens], squares: squares[tokens], activations)
        return losses[0..<batch.tokenCount].array.reduce(0) { $0 + Double($1) }
    }

    /// In the backward pass, at h_layer: adds what the regularizer asks of it. Nothing at all when λ is 0.
    public func addStateGradient(
        _ layer: Int, _ activations: Activations, _ gradient: FloatSlice, lambda: Double, globalTokens: Int
    ) {
        guard let regularizer = settings.regularizer else { return }
        team.timeline.measure(.jreg) {
            regularizer.addGradient(
                of: layer, steps, states: activations, scale: lambda / Double(globalTokens), to: gradient)
        }
    }

    private func sums(_ tokens: Int) -> LossSums {
        var sums = LossSums(layers: steps.layers)
        sums.tokens = Double(tokens)
        sums.crossEntropy = losses[0..<tokens].array.reduce(0) { $0 + Double($1) }
        sums.zLoss = squares[0..<tokens].array.reduce(0) { $0 + Double($1) }
        team.timeline.measure(.jreg) {
            sums.regularizer = settings.regularizer?.sum(steps) ?? 0
            sums.displacements = (1...steps.layers).map { steps.displacements($0).reduce(0, +) }
        }
        return sums
    }
}

/// Where the gradient of a microbatch goes.
public struct GradientRequest {
    /// Laid out like the parameters.
    public let gradients: FloatSlice
    /// Add to what is there (a later microbatch of a lane) or overwrite it (the first one).
    public let accumulate: Bool
    /// The count of predicted tokens of the whole step on all ranks: the denominator of every mean.
    public let globalTokens: Int

    public init(gradients: FloatSlice, accumulate: Bool, globalTokens: Int) {
        self.gradients = gradients
        self.accumulate = accumulate
        self.globalTokens = globalTokens
    }
}
