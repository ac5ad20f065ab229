import Foundation
import Kernels
import Testing

@Suite struct SwiGLUTests {
    static let shapes = [(1, 1), (3, 15), (2, 16), (5, 17), (1, 50)]

    @Test(arguments: shapes) func forwardAgreesWithLibm(rows: Int, width: Int) {
        let gateUp = randomFloats(rows * 2 * width, seed: 1, in: -6...6)
        let output = unset(rows * width)
        swiGLUForward(output: output, gateUp: slice(gateUp), width: width, on: ThreadTeam(size: 1))
        #expect(largestDifference(output.array, swiGLU(gateUp.doubles, width: width)) < 5e-6)
    }

    @Test(arguments: shapes) func backwardAgreesWithCentralDifferences(rows: Int, width: Int) {
        let gateUp = randomFloats(rows * 2 * width, seed: 1, in: -6...6)
        let dOutput = randomFloats(rows * width, seed: 2)
        let wanted = centralDifferences(at: gateUp.doubles) {
            dotProduct(swiGLU($0, width: width), dOutput.doubles)
        }
        #expect(largestDifference(backward(gateUp, dOutput, width: width).gradient, wanted) < 5e-6)
    }

    @Test func backwardRepeatsTheForwardsBits() {
        let (rows, width) = (37, 45)
        let gateUp = randomFloats(rows * 2 * width, seed: 3, in: -20...20)
        let dOutput = randomFloats(rows * width, seed: 4)
        let output = unset(rows * width)
        swiGLUForward(output: output, gateUp: slice(gateUp), width: width, on: ThreadTeam(size: 1))
        let alone = backward(gateUp, dOutput, width: width)
        #expect(alone.output.bits == output.array.bits)
        for size in [2, 3] {
            let together = backward(gateUp, dOutput, width: width, threads: size)
            #expect(together.output.bits == alone.output.bits && together.gradient.bits == alone.gradient.bits)
        }
    }

    /// silu(g) = g·σ(g) has e⁻ᵍ in it: relative to the Double value over the whole range that e⁻ᵍ can be computed in.
    @Test func siluIsAccurateOnTheWholeRange() {
        let gates = (0...3520).map { Float($0 - 1760) / 20 }
        let output = siluOf(gates)
        for (gate, found) in zip(gates, output) {
            let wanted = Double(gate) / (1 + exp(-Double(gate)))
            #expect(abs(Double(found) - wanted) <= 3e-7 * abs(wanted), "silu(\(gate))")
        }
    }

    @Test(arguments: [100, 1e4, 1e30] as [Float]) func siluOfExtremeGatesIsItsLimit(gate: Float) {
        let output = siluOf([Float](repeating: gate, count: 17) + [Float](repeating: -gate, count: 17))
        #expect(output[0..<17].allSatisfy { $0 == gate })
        #expect(output[17...].allSatisfy { abs($0) <= 1e-36 * gate }, "\(output[17])")
        let gradient = backward([gate, -gate, 1, 1], [1, 1], width: 2).gradient
        #expect(gradient.allSatisfy { $0.isFinite })
        #expect(gradient[0] == 1 && abs(gradient[1]) <= 1e-36 * gate)
    }

    @Test func notANumberIsNotHidden() {
        #expect(siluOf([Float](repeating: .nan, count: 17)).allSatisfy { $0.isNaN })
    }

    private func siluOf(_ gates: [Float]) -> [Float] {
        let output = unset(gates.count)
        let gateUp = slice(gates + [Float](repeating: 1, count: gates.count))
        swiGLUForward(output: output, gateUp: gateUp, width: gates.count, on: ThreadTeam(size: 1))
        return output.array
    }

    private func swiGLU(_ gateUp: [Double], width: Int) -> [Double] {
        stride(from: 0, to: gateUp.count, by: 2 * width).flatMap { start in
            (start..<(start + width)).map { gateUp[$0] / (1 + exp(-gateUp[$0])) * gateUp[$0 + width] }
        }
    }

    private func backward(_ gateUp: [Float], _ dOutput: [Float], width: Int, threads: Int = 1)
        -> (gradient: [Float], output: [Float])
    {
        let (gradient, output) = (slice(gateUp), unset(dOutput.count))
        swiGLUBackward(
            gateUpToGradient: gradient, output: output, dOutput: slice(dOutput), width: width,
            on: ThreadTeam(size: threads))
        return (gradient.array, output.array)
    }
}
