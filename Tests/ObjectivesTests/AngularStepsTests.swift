import Kernels
import LlamaModel
import Objectives
import Testing

@Suite struct AngularStepsTests {
    @Test func displacementsByHand() {
        let pairs: [(before: [Float], after: [Float], displacement: Double)] = [
            ([1, 2, 2], [1, 2, 2], 0), ([1, 2, 2], [3, 6, 6], 0), ([1, 2, 2], [-1, -2, -2], 1),
            ([1, 2, 2], [-0.25, -0.5, -0.5], 1), ([1, 0, 0], [0, 5, 0], 0.5), ([2, 1, 0], [-1, 2, 7], 0.5),
            // 60°, 120°.
            ([1, 1, 0], [0, 1, 1], 0.25), ([1, 1, 0], [-1, 0, 1], 0.75),
            // No direction.
            ([0, 0, 0], [1, 2, 3], 0.5), ([1, 2, 3], [0, 0, 0], 0.5), ([0, 0, 0], [0, 0, 0], 0.5),
            // Far from 1, whose squares still fit.
            ([3e-15, 0, 4e-15], [6e15, 0, 8e15], 0), ([3e-15, 0, 4e-15], [0, 1e-15, 0], 0.5),
        ]
        let steps = AngularSteps(layers: 1, tokens: pairs.count, width: 3, team: ThreadTeam(size: 1))
        steps.record(1, before: slice(pairs.flatMap(\.before)), after: slice(pairs.flatMap(\.after)))
        for (pair, found) in zip(pairs, steps.displacements(1)) {
            #expect(abs(found - pair.displacement) < 1e-7, "\(pair.before) to \(pair.after)")
        }
    }

    @Test func aDivergedStateShows() {
        let steps = AngularSteps(layers: 1, tokens: 2, width: 2, team: ThreadTeam(size: 1))
        steps.record(1, before: slice([1, .nan, 1, 1]), after: slice([1, 1, .infinity, 1]))
        #expect(!steps.displacements(1).contains { $0.isFinite }, "\(steps.displacements(1))")
    }

    @Test func layersDoNotMix() {
        let steps = AngularSteps(layers: 3, tokens: 1, width: 2, team: ThreadTeam(size: 1))
        for (layer, after) in [(3, [-1, 0]), (1, [1, 0]), (2, [0, 1])] as [(Int, [Float])] {
            steps.record(layer, before: slice([1, 0]), after: slice(after))
        }
        #expect((1...3).map { steps.displacements($0) } == [[0], [0.5], [1]])
    }

    private func slice(_ values: [Float]) -> FloatSlice {
        let slice = FloatArena(count: values.count).all
        slice.copy(from: values)
        return slice
    }
}
