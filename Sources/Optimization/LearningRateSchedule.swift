import RealModule

/// The learning rate of every update: a linear warm-up to the peak, then one of four ways down to the minimum.
public struct LearningRateSchedule: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Half a cosine from the peak to the minimum (SGDR, arXiv 1608.03983, without restarts).
        case cosine
        /// Warm-up, stable, decay: the peak until the last `decaySteps`, then a straight line (MiniCPM, arXiv 2404.06395).
        case wsd
        /// A straight line from the peak to the minimum.
        case linear
        /// The peak to the end.
        case constant
    }

    public var kind: Kind
    public var peak: Double
    /// Reached at the end of the decay and kept from there on. `constant` does not use it.
    public var minimum: Double
    /// Updates until the peak.
    public var warmupSteps: Int
    /// `cosine` and `linear`: the update at which the minimum is reached, the last one if nil.
    /// `wsd`: the length of the final decay; if nil a tenth of all steps, at least one and never into the warm-up.
    /// `constant` does not use it.
    public var decaySteps: Int?
    /// Updates of the whole run.
    public var totalSteps: Int

    public init(
        kind: Kind = .cosine, peak: Double, minimum: Double, warmupSteps: Int, decaySteps: Int? = nil, totalSteps: Int
    ) {
        self.kind = kind
        self.peak = peak
        self.minimum = minimum
        self.warmupSteps = warmupSteps
        self.decaySteps = decaySteps
        self.totalSteps = totalSteps
    }

    /// The rate of update `step`, the first of which is 1.
    public func learningRate(atStep step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step) / Double(warmupSteps) }
        let decayed = decayed(step)
        // The peak itself, which minimum + (peak - minimum) may miss by a rounding.
        if kind == .constant || decayed == 0 { return peak }
        let remaining = kind == .cosine ? (1 + .cos(.pi * decayed)) / 2 : 1 - decayed
        return minimum + (peak - minimum) * remaining
    }

    /// The updates over which the rate falls: it is the peak at the lower bound and the minimum at the upper one.
    private var decay: (start: Int, end: Int) {
        switch kind {
        case .wsd: (totalSteps - (decaySteps ?? max(1, min(totalSteps / 10, totalSteps - warmupSteps))), totalSteps)
        case .cosine, .linear, .constant: (warmupSteps, decaySteps ?? totalSteps)
        }
    }

    /// How much of the decay is over at `step`, from 0 to 1.
    private func decayed(_ step: Int) -> Double {
        let (start, end) = decay
        if step >= end { return 1 }
        return max(0, Double(step - start) / Double(end - start))
    }

    /// Everything that makes no sense, by configuration key.
    public var problems: [String] {
        var problems: [String] = []
        if !(peak > 0 && peak.isFinite) { problems.append("learning_rate is \(peak), but must be positive") }
        if !(minimum >= 0 && minimum <= peak) {
            problems.append("min_learning_rate is \(minimum), but must be from 0 to learning_rate (\(peak))")
        }
        if warmupSteps < 0 { problems.append("warmup_steps is \(warmupSteps), but must not be negative") }
        // Without decay_steps every length fits: a run that is shorter than its warm-up just never leaves it.
        if let decaySteps, kind != .constant {
            if decaySteps < 1 {
                problems.append("decay_steps is \(decaySteps), but must be at least 1")
            } else if kind == .wsd, decaySteps > totalSteps - warmupSteps {
                problems.append(
                    "decay_steps (\(decaySteps)) and warmup_steps (\(warmupSteps)) exceed the \(totalSteps) steps")
            } else if kind != .wsd, decaySteps < warmupSteps {
                problems.append("decay_steps is \(decaySteps), but the warm-up lasts to step \(warmupSteps)")
            }
        }
        return problems
    }
}
