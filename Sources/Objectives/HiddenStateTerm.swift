import Kernels
import LlamaModel

/// A term of the loss that looks at the hidden states: a mean over tokens of a value per token, so that it splits over
/// ranks and microbatches without error.
///
/// To add another one: a type that conforms, its keys in the config table, and a case in `RunConfig.objectiveSettings`.
public protocol HiddenStateTerm: Sendable {
    /// Σ_t of the term over the tokens of a microbatch.
    func sum(_ steps: AngularSteps) -> Double

    /// Adds `scale` times the gradient of that sum with respect to h_layer (0...L) to `gradient`, [tokens, hidden].
    func addGradient(
        of layer: Int, _ steps: AngularSteps, states: Activations, scale: Double, to gradient: FloatSlice)
}
