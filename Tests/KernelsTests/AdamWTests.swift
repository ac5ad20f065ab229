import Foundation
import Kernels
import Testing

@Suite struct AdamWTests {
    @Test(arguments: [1, 15, 16, 37, 1000]) func tenStepsAgreeWithDouble(count: Int) {
        let state = State(count)
        var (p, m, v) = (state.parameters.array.doubles, [Double](repeating: 0, count: count), [Double]())
        v = m
        for step in 1...10 {
            let gradient = randomFloats(count, seed: UInt64(step))
            let (rate, scale) = (1e-3 * Double(step), step == 4 ? 0.25 : 1.0)
            state.update(gradient, update(step: step, learningRate: rate, gradientScale: scale))
            for i in 0..<count {
                let g = scale * Double(gradient[i])
                m[i] = 0.9 * m[i] + 0.1 * g
                v[i] = 0.95 * v[i] + 0.05 * g * g
                let (mean, square) = (m[i] / (1 - pow(0.9, Double(step))), v[i] / (1 - pow(0.95, Double(step))))
                p[i] -= rate * 0.1 * p[i] + rate * mean / (square.squareRoot() + 1e-8)
            }
            #expect(largestDifference(state.parameters.array, p) < 1e-6, "step \(step)")
            #expect(largestDifference(state.firstMoment.array, m) < 1e-6, "step \(step)")
            #expect(largestDifference(state.secondMoment.array, v) < 1e-6, "step \(step)")
        }
    }

    /// The first step has the size of the learning rate whatever the gradient's: both moments are corrected for their start.
    @Test(arguments: [1e-4, 1, 1e4] as [Float]) func theFirstStepIsTheLearningRate(size: Float) {
        let state = State(20)
        state.parameters.fill(0)
        state.update((0..<20).map { $0 % 2 == 0 ? size : -size }, update(step: 1, learningRate: 1e-2))
        #expect(largestDifference(state.parameters.array, (0..<20).map { $0 % 2 == 0 ? -1e-2 : 1e-2 }) < 2e-6)
    }

    @Test func aZeroGradientOnlyDecays() {
        let state = State(40)
        let before = state.parameters.array
        state.update([Float](repeating: 0, count: 40), update(step: 1, learningRate: 1e-2))
        #expect(state.parameters.array == before.map { $0 * (1 - Float(1e-2) * Float(0.1)) })
        #expect(state.firstMoment.array == [Float](repeating: 0, count: 40))
        #expect(state.secondMoment.array == [Float](repeating: 0, count: 40))
        let undecayed = State(40)
        undecayed.update(
            [Float](repeating: 0, count: 40), update(step: 1, learningRate: 1e-2, weightDecay: 0))
        #expect(undecayed.parameters.array == before)
    }

    @Test func lateStepsHaveNoCorrection() {
        let late = update(step: 1_000_000, learningRate: 1e-3)
        #expect(late.correction1 == 1 && late.correction2Root == 1)
        let second = update(step: 2, learningRate: 1e-3)
        #expect(abs(Double(second.correction1) - 0.19) < 1e-7)
        #expect(abs(Double(second.correction2Root) - 0.0975.squareRoot()) < 1e-7)
    }

    @Test func neitherCutsNorThreadsChangeABit() {
        let count = 20_011
        let gradients = (1...3).map { randomFloats(count, seed: UInt64($0)) }
        func result(threads: Int, cuts: [Int]) -> [Bits] {
            let state = State(count)
            for (index, gradient) in gradients.enumerated() {
                let borders = [0] + cuts + [count]
                for (begin, end) in zip(borders, borders.dropFirst()) {
                    state.update(
                        gradient, update(step: index + 1, learningRate: 1e-3), range: begin..<end, threads: threads)
                }
            }
            return [state.parameters, state.firstMoment, state.secondMoment].map { $0.array.bits }
        }
        let whole = result(threads: 1, cuts: [])
        #expect(result(threads: 2, cuts: []) == whole)
        #expect(result(threads: 3, cuts: []) == whole)
        #expect(result(threads: 1, cuts: [1, 18, 10_001]) == whole)
        #expect(result(threads: 2, cuts: [7, 7, 9_999]) == whole)
    }

    @Test func shapesThatDifferAreRefused() async {
        await #expect(processExitsWith: .failure) {
            let (four, five) = (FloatArena(count: 4).all, FloatArena(count: 5).all)
            let update = AdamWUpdate(
                step: 1, learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: 1, weightDecay: 0, gradientScale: 1)
            adamW(
                parameters: five, gradient: five, firstMoment: five, secondMoment: four, update,
                on: ThreadTeam(size: 1))
        }
    }

    private func update(
        step: Int, learningRate: Double, weightDecay: Double = 0.1, gradientScale: Double = 1
    ) -> AdamWUpdate {
        AdamWUpdate(
            step: step, learningRate: learningRate, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: weightDecay,
            gradientScale: gradientScale)
    }

    private struct State {
        let parameters: FloatSlice
        let firstMoment: FloatSlice
        let secondMoment: FloatSlice

        init(_ count: Int) {
            parameters = slice(randomFloats(count, seed: 77))
            firstMoment = FloatArena(count: count).all
            secondMoment = FloatArena(count: count).all
        }

        func update(_ gradient: [Float], _ update: AdamWUpdate, range: Range<Int>? = nil, threads: Int = 1) {
            let range = range ?? 0..<gradient.count
            adamW(
                parameters: parameters[range], gradient: slice(gradient)[range], firstMoment: firstMoment[range],
                secondMoment: secondMoment[range], update, on: ThreadTeam(size: threads))
        }
    }
}
