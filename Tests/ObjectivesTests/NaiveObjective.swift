import Foundation
import Objectives

/// Displacements and JREG as they are defined, in Double, one token at a time.
struct NaiveObjective {
    let kind: JumpRegularizer.Kind
    let width: Int

    /// Ψ_1...Ψ_L of every token, [L][tokens], from the states h_0...h_L, [tokens, width] each.
    func displacements(_ states: [[Double]]) -> [[Double]] {
        zip(states, states.dropFirst()).map { before, after in
            stride(from: 0, to: before.count, by: width).map { start in
                let (a, b) = (before[start..<(start + width)], after[start..<(start + width)])
                let lengths = (dot(a, a) * dot(b, b)).squareRoot()
                return lengths == 0 ? 0.5 : (1 - dot(a, b) / lengths) / 2
            }
        }
    }

    /// The penalty, summed over tokens.
    func penalty(_ states: [[Double]]) -> Double {
        let psi = displacements(states)
        return psi[0].indices.reduce(0) { $0 + penalty(ofToken: $1, psi) }
    }

    private func penalty(ofToken token: Int, _ psi: [[Double]]) -> Double {
        let layers = psi.count
        switch kind {
        case .weighted(let alpha):
            var (sum, weights) = (0.0, 0.0)
            for layer in 1...layers {
                let weight = pow(Double(layer) / Double(layers), alpha)
                sum += weight * psi[layer - 1][token]
                weights += weight
            }
            return sum / weights
        case .final:
            return psi[layers - 1][token]
        case .jumpRate(let from):
            var sum = 0.0
            for layer in from...layers {
                let before = layer == 1 ? 0 : psi[layer - 2][token]
                sum += max(0, psi[layer - 1][token] - before)
            }
            return sum
        }
    }

    private func dot(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double {
        zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
