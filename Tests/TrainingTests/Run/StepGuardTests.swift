import Checkpoints
import Testing
import Training

/// Which updates are made is decided by the losses alone, those before a checkpoint included.
struct StepGuardTests {
    private func stepGuard(threshold: Double = 0, window: Int = 4) -> StepGuard {
        var config = RunConfig()
        config.optimizer.spikeThreshold = threshold
        config.optimizer.spikeWindow = window
        return StepGuard(config.optimizer)
    }

    @Test(arguments: [(Double.nan, 1.0), (.infinity, 1), (-.infinity, 1), (1, .nan), (1, .infinity), (.nan, .nan)])
    func whatIsNoNumberIsSkippedAndCounted(loss: Double, gradNorm: Double) {
        let stepGuard = stepGuard()
        var history = StepHistory()
        #expect(stepGuard.judge(loss: 2, gradNorm: 1, &history) == nil)
        #expect(history == StepHistory())
        for count in 1...3 {
            #expect(stepGuard.judge(loss: loss, gradNorm: gradNorm, &history) != nil)
            #expect(history.skipped == count && history.skippedInRow == count)
        }
        #expect(stepGuard.judge(loss: 2, gradNorm: 1, &history) == nil)
        #expect(history.skipped == 3 && history.skippedInRow == 0)
    }

    @Test func aSpikeIsMeasuredAgainstTheLastLosses() {
        let stepGuard = stepGuard(threshold: 3, window: 4)
        var history = StepHistory()
        // Until the window is full nothing is a spike.
        for loss in [5.0, 3, 100, 3] { #expect(stepGuard.judge(loss: loss, gradNorm: 1, &history) == nil) }
        for loss in [2.0, 4, 2, 4] { #expect(stepGuard.judge(loss: loss, gradNorm: 1, &history) == nil) }
        #expect(history.losses == [2, 4, 2, 4])
        // Mean 3, deviation 1: just at the threshold, and just above.
        var other = history
        #expect(stepGuard.judge(loss: 6, gradNorm: 1, &other) == nil)
        #expect(stepGuard.judge(loss: 6.5, gradNorm: 1, &history) == .spike(loss: 6.5, score: 3.5, mean: 3))
        #expect(history.losses == [4, 2, 4, 6.5] && history.skipped == 1)
        // A loss that falls is no spike, nor is one that is no number remembered.
        #expect(stepGuard.judge(loss: -50, gradNorm: 1, &history) == nil)
        #expect(stepGuard.judge(loss: .nan, gradNorm: 1, &history) != nil)
        #expect(history.losses == [2, 4, 6.5, -50])
    }

    /// A higher level than before must not stop a run for good.
    @Test func aLevelThatStaysBecomesTheUsualOne() {
        let stepGuard = stepGuard(threshold: 6, window: 16)
        var history = StepHistory()
        for step in 0..<16 { _ = stepGuard.judge(loss: 2 + 0.01 * Double(step % 2), gradNorm: 1, &history) }
        let skipped = (0..<100).filter { _ in stepGuard.judge(loss: 3, gradNorm: 1, &history) != nil }
        #expect(skipped.first == 0 && skipped.count < 3, "\(skipped)")
    }

    @Test func equalLossesMeasureNothing() {
        let stepGuard = stepGuard(threshold: 1, window: 2)
        var history = StepHistory()
        for _ in 0..<5 { #expect(stepGuard.judge(loss: 1, gradNorm: 1, &history) == nil) }
        #expect(stepGuard.judge(loss: 9, gradNorm: 1, &history) == nil)
    }

    /// A run that takes up another window than it had.
    @Test func theWindowMayChange() {
        var history = StepHistory()
        for loss in 1...8 { _ = stepGuard(threshold: 9, window: 8).judge(loss: Double(loss), gradNorm: 1, &history) }
        _ = stepGuard(threshold: 9, window: 3).judge(loss: 9, gradNorm: 1, &history)
        #expect(history.losses == [7, 8, 9])
        _ = stepGuard(threshold: 9, window: 5).judge(loss: 99, gradNorm: 1, &history)
        #expect(history.losses == [7, 8, 9, 99] && history.skipped == 0)
        _ = stepGuard().judge(loss: 9, gradNorm: 1, &history)
        #expect(history.losses.isEmpty)
    }
}
