import Kernels
import Testing

@Suite struct TimelineTests {
    @Test func nestedKernelsCountOnceAsTheOuterOne() {
        let timeline = Timeline()
        timeline.start(recording: true)
        timeline.measure(.crossEntropy) { timeline.measure(.gemm) { spend(0.002) } }
        #expect(timeline[.crossEntropy] >= 0.002 && timeline[.gemm] == 0)
        #expect(timeline.events.map(\.activity) == [.crossEntropy])
    }

    @Test func eventsFollowOneAnotherAndAddUp() {
        let timeline = Timeline()
        timeline.start(recording: true)
        for activity in [Activity.norms, .gemm, .norms] { timeline.measure(activity) { spend(0.001) } }
        let events = timeline.events
        #expect(events.map(\.activity) == [.norms, .gemm, .norms])
        #expect(events[0].begin >= 0 && zip(events, events.dropFirst()).allSatisfy { $0.end <= $1.begin })
        let norms = events.filter { $0.activity == .norms }.reduce(0) { $0 + $1.end - $1.begin }
        #expect(abs(norms - timeline[.norms]) < 1e-9)
    }

    @Test func startForgetsAndPlainMeasuringKeepsNoEvents() {
        let timeline = Timeline()
        timeline.start(recording: true)
        timeline.measure(.update) { spend(0.001) }
        timeline.start()
        #expect(timeline[.update] == 0 && timeline.events.isEmpty)
        timeline.measure(.update) {}
        #expect(timeline[.update] > 0 && timeline.events.isEmpty)
    }

    @Test func everyKernelOfAStepIsNoted() {
        let team = ThreadTeam(size: 2)
        let a = slice(randomFloats(64, seed: 1))
        multiply(a.matrix(8, 8), a.matrix(8, 8), into: unset(64).matrix(8, 8), on: team)
        rmsNormForward(output: unset(64), inverseRMS: unset(8), input: a, weight: a[0..<8], epsilon: 1e-5, on: team)
        #expect(team.timeline[.gemm] > 0 && team.timeline[.norms] > 0 && team.timeline[.attention] == 0)
    }

    private func spend(_ seconds: Double) {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        while clock.now < end {}
    }
}
