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
    /// Updates over which the rate falls: for `cosine` and `linear` right behind the warm-up, all the rest if nil; for
    /// `wsd` the last ones, a tenth of all if nil, at least one and never into the warm-up. `constant` does not use it.
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
        case .cosine, .linear, .constant: (warmupSteps, decaySteps.map { warmupSteps + $0 } ?? totalSteps)
        }
    }

    /// How much of the decay is over at `step`, from 0 to 1.
    private func decayed(_ step: Int) -> Double {
        let (start, end) = decay
        if step >= end { return 1 }
        return max(0, Double(step - start) / Double(end - start))
    }
}
