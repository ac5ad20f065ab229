import Kernels

/// AdamW on the part of the flat arena that this rank updates.
public struct AdamWOptimizer: Sendable {
    public let settings: AdamWSettings
    /// The part, in elements of the whole arena.
    public let range: Range<Int>
    /// Where decay acts within the part.
    private let groups: [ParameterGroups.Part]
    private let firstMoment: FloatSlice
    private let secondMoment: FloatSlice
    private let team: ThreadTeam

    /// - Parameters:
    ///   - firstMoment, secondMoment: those of `range`, zero before the first update.
    public init(
        _ settings: AdamWSettings, range: Range<Int>, groups: ParameterGroups, firstMoment: FloatSlice,
        secondMoment: FloatSlice, team: ThreadTeam
    ) {
        precondition(
            firstMoment.count == range.count && secondMoment.count == range.count,
            "moments of \(firstMoment.count) and \(secondMoment.count) floats for a part of \(range.count)")
        self.settings = settings
        self.range = range
        self.groups = groups.parts(of: range)
        self.firstMoment = firstMoment
        self.secondMoment = secondMoment
        self.team = team
    }

    /// The `step`-th update (from 1) of the part: parameters and gradient are those of `range`.
    /// - Parameter gradientScale: what the gradient is multiplied by first, 1 unless its norm is clipped.
    public func update(
        parameters: FloatSlice, gradient: FloatSlice, step: Int, learningRate: Double, gradientScale: Double
    ) {
        for group in groups {
            let part = (group.range.lowerBound - range.lowerBound)..<(group.range.upperBound - range.lowerBound)
            adamW(
                parameters: parameters[part], gradient: gradient[part], firstMoment: firstMoment[part],
                secondMoment: secondMoment[part],
                AdamWUpdate(
                    step: step, learningRate: learningRate, beta1: settings.beta1, beta2: settings.beta2,
                    epsilon: settings.epsilon, weightDecay: group.decays ? settings.weightDecay : 0,
                    gradientScale: gradientScale), on: team)
        }
    }
}
