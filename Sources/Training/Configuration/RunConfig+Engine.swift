import Collectives
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

    var sharding: Sharding { optimizer.shard == .world ? .world : .node }

    var wireFormat: WireFormat { parallel.wire == .bf16 ? .bf16 : .fp32 }

    var learningRateSchedule: LearningRateSchedule {
        LearningRateSchedule(
            kind: LearningRateSchedule.Kind(optimizer.schedule), peak: optimizer.learningRate,
            minimum: optimizer.finalLearningRate, warmupSteps: optimizer.warmupSteps,
            decaySteps: optimizer.decaySteps, totalSteps: run.steps)
    }
}

extension RunConfig.OptimizerSection {
    var adamW: AdamWSettings {
        AdamWSettings(
            beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay, maxGradNorm: maxGradNorm)
    }
}

extension LearningRateSchedule.Kind {
    fileprivate init(_ schedule: RunConfig.OptimizerSection.Schedule) {
        switch schedule {
        case .cosine: self = .cosine
        case .wsd: self = .wsd
        case .linear: self = .linear
        case .constant: self = .constant
        }
    }
}
