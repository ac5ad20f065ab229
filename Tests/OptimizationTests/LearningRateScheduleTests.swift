import Optimization
import Testing

@Suite struct LearningRateScheduleTests {
    func schedule(
        _ kind: LearningRateSchedule.Kind, warmup: Int = 10, decay: Int? = nil, minimum: Double = 0, total: Int = 100
    ) -> LearningRateSchedule {
        LearningRateSchedule(
            kind: kind, peak: 6e-4, minimum: minimum, warmupSteps: warmup, decaySteps: decay, totalSteps: total)
    }

    func close(_ found: Double, _ wanted: Double) -> Bool { abs(found - wanted) <= 1e-12 * 6e-4 }

    /// From transformers 5.23: `get_cosine_schedule_with_warmup(optimizer, 10, 100)`, `get_last_lr()` after t steps.
    @Test(arguments: [
        (1, 5.9999999999999995e-05), (5, 0.0003), (10, 0.0006), (11, 0.0005998172481057287),
        (37, 0.0004763355756877419), (55, 0.0003), (99, 1.8275189427127136e-07), (100, 0.0),
    ])
    func cosineIsThatOfTransformers(step: Int, wanted: Double) {
        #expect(close(schedule(.cosine).learningRate(atStep: step), wanted))
    }

    /// From transformers 5.23: `get_linear_schedule_with_warmup(optimizer, 10, 100)`.
    @Test(arguments: [
        (5, 0.0003), (10, 0.0006), (11, 0.0005933333333333333), (37, 0.00041999999999999996),
        (99, 6.666666666666667e-06),
        (100, 0.0),
    ])
    func linearIsThatOfTransformers(step: Int, wanted: Double) {
        #expect(close(schedule(.linear).learningRate(atStep: step), wanted))
    }

    @Test func wsdIsFlatAndThenFallsInAStraightLine() {
        let wsd = schedule(.wsd, decay: 20, minimum: 1e-4)
        for step in 10...80 { #expect(wsd.learningRate(atStep: step) == 6e-4) }
        #expect(close(wsd.learningRate(atStep: 81), 6e-4 - 5e-4 / 20))
        #expect(close(wsd.learningRate(atStep: 90), 3.5e-4))
        #expect(wsd.learningRate(atStep: 100) == 1e-4)
    }

    @Test func wsdDecaysOverATenthByDefault() {
        let wsd = schedule(.wsd)
        #expect(wsd.learningRate(atStep: 90) == 6e-4)
        #expect(close(wsd.learningRate(atStep: 95), 3e-4))
        // Too short for a tenth: the decay begins where the warm-up ends, and nothing jumps.
        let short = schedule(.wsd, warmup: 98)
        #expect(short.learningRate(atStep: 98) == 6e-4)
        #expect(close(short.learningRate(atStep: 99), 3e-4))
    }

    @Test func constantIgnoresMinimumAndDecay() {
        let constant = schedule(.constant, decay: 3, minimum: 1e-4)
        #expect(constant.learningRate(atStep: 5) == 3e-4)
        #expect(constant.learningRate(atStep: 1_000_000) == 6e-4)
    }

    @Test(arguments: [LearningRateSchedule.Kind.cosine, .linear, .wsd])
    func theMinimumStaysAfterTheEnd(kind: LearningRateSchedule.Kind) {
        let ended = schedule(kind, decay: 50, minimum: 1e-5)
        #expect(ended.learningRate(atStep: 100) == 1e-5)
        #expect(ended.learningRate(atStep: 101) == 1e-5)
    }

    @Test func decayStepsEndTheCosineEarly() {
        let early = schedule(.cosine, decay: 50, minimum: 1e-5)
        #expect(early.learningRate(atStep: 59) > 1e-5)
        #expect(early.learningRate(atStep: 60) == 1e-5)
    }

    @Test(arguments: LearningRateSchedule.Kind.allCases)
    func noWarmupBeginsNearThePeakAndNeverLeavesTheBounds(kind: LearningRateSchedule.Kind) {
        let cold = schedule(kind, warmup: 0, minimum: 2e-5, total: 7)
        #expect(cold.learningRate(atStep: 0) == 6e-4)
        var previous = 6e-4
        for step in 1...9 {
            let rate = cold.learningRate(atStep: step)
            #expect(rate >= 2e-5 && rate <= previous)
            previous = rate
        }
    }

    @Test func aRunOfOneStepWorks() {
        for kind in LearningRateSchedule.Kind.allCases {
            let one = schedule(kind, warmup: 0, total: 1)
            #expect(one.learningRate(atStep: 1).isFinite)
        }
    }
}
