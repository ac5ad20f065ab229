import Objectives
import Optimization

/// The configuration in the terms of the parts that carry it out.
extension RunConfig {
    var objectiveSettings: ObjectiveSettings {
        let layers = model.shape.numHiddenLayers
        let kind: JumpRegularizer.Kind =
            switch objective.jreg.kind {
            case .weighted: .weighted(alpha: objective.jreg.alpha)
            case .final: .final
            case .jumpRate: .jumpRate(from: objective.jreg.from ?? layers)
            }
        return ObjectiveSettings(
            lambda: objective.jreg.lambda, regularizer: JumpRegularizer(kind, layers: layers),
            warmupSteps: objective.jreg.warmupSteps, zLoss: objective.zLoss)
    }
}

extension RunConfig.OptimizerSection {
    var adamW: AdamWSettings {
        AdamWSettings(
            beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay, maxGradNorm: maxGradNorm)
    }
}
