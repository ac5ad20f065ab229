import Checkpoints

/// Decides after each step whether its update may be made: not where loss or gradient are no numbers, nor, where that is
/// asked for, where the loss leaps above those before it.
///
/// It looks only at sums that are the same bits on every rank and at the history that checkpoints keep, so every rank,
/// every world size and every resumed run decides alike.
public struct StepGuard: Sendable {
    /// Skipped steps in a row with which a run ends.
    let maxBadSteps: Int
    /// Standard deviations above the mean of the last losses from which on a loss is a spike; 0: none is.
    let spikeThreshold: Double
    /// Losses that the mean is taken of. Until there are as many, none is a spike.
    let spikeWindow: Int

    public init(_ settings: RunConfig.OptimizerSection) {
        maxBadSteps = settings.maxBadSteps
        spikeThreshold = settings.spikeThreshold
        spikeWindow = settings.spikeWindow
    }

    /// What speaks against the update of a step, or nil; `history` has the step counted.
    public func judge(loss: Double, gradNorm: Double, _ history: inout StepHistory) -> BadStep.Fault? {
        let fault = fault(loss, gradNorm, history.losses)
        if fault == nil {
            history.skippedInRow = 0
        } else {
            history.skipped += 1
            history.skippedInRow += 1
        }
        // A spike is remembered like any loss: a level that has risen for good becomes the usual one.
        history.losses = spikeThreshold == 0 ? [] : (history.losses + (loss.isFinite ? [loss] : [])).suffix(spikeWindow)
        return fault
    }

    private func fault(_ loss: Double, _ gradNorm: Double, _ losses: [Double]) -> BadStep.Fault? {
        if !loss.isFinite { return .loss(loss) }
        if !gradNorm.isFinite { return .gradient(norm: gradNorm) }
        guard spikeThreshold > 0 && losses.count >= spikeWindow else { return nil }
        let window = losses.suffix(spikeWindow)
        let mean = window.reduce(0, +) / Double(window.count)
        let variance = window.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(window.count)
        let score = (loss - mean) / variance.squareRoot()
        // With equal losses only, there is no measure for a leap.
        return variance > 0 && score > spikeThreshold ? .spike(loss: loss, score: score, mean: mean) : nil
    }
}
