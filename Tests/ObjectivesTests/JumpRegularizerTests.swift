import Foundation
import Kernels
import LlamaModel
import Objectives
import Testing

@Suite struct JumpRegularizerTests {
    static let kinds: [JumpRegularizer.Kind] = [
        .weighted(alpha: 0), .weighted(alpha: 0.5), .weighted(alpha: 3), .weighted(alpha: 200), .final,
        .jumpRate(from: 1), .jumpRate(from: 3), .jumpRate(from: 4),
    ]

    @Test func weightsByHand() {
        #expect(JumpRegularizer.weights(alpha: 0, layers: 4) == [0.25, 0.25, 0.25, 0.25])
        #expect(JumpRegularizer.weights(alpha: 1, layers: 3).map { ($0 * 6).rounded(toPlaces: 9) } == [1, 2, 3])
        #expect(JumpRegularizer.weights(alpha: 3, layers: 3).map { ($0 * 36).rounded(toPlaces: 9) } == [1, 8, 27])
        #expect(JumpRegularizer.weights(alpha: 3, layers: 1) == [1])
    }

    @Test(arguments: [0, 0.5, 1, 3, 10, 1000], [1, 2, 12, 80]) func weightsSumToOneAndNeverFall(
        alpha: Double, layers: Int
    ) {
        let weights = JumpRegularizer.weights(alpha: alpha, layers: layers)
        #expect(weights.count == layers)
        #expect(abs(weights.reduce(0, +) - 1) < 1e-12)
        #expect(zip(weights, weights.dropFirst()).allSatisfy { $0 <= $1 })
        if alpha == 1000 { #expect(weights[layers - 1] > 0.999) }
    }

    @Test(arguments: kinds) func valueAgreesWithDouble(_ kind: JumpRegularizer.Kind) {
        let states = States(seed: 1)
        let found = JumpRegularizer(kind, layers: States.layers).sum(states.steps)
        let wanted = NaiveObjective(kind: kind, width: States.width).penalty(states.doubles)
        #expect(wanted > 0.1)
        #expect(abs(found - wanted) < 1e-6 * wanted)
    }

    /// Without a zero state, and with one: it gets no gradient itself, and its neighbours none for their step to it.
    @Test(arguments: kinds, [nil, 1]) func gradientAgreesWithCentralDifferences(
        _ kind: JumpRegularizer.Kind, zeroToken: Int?
    ) {
        let states = States(seed: 2, zeroToken: zeroToken)
        let naive = NaiveObjective(kind: kind, width: States.width)
        let psi = naive.displacements(states.doubles)
        let jumps = zip(psi.dropFirst(), psi).flatMap { zip($0, $1).map { abs($0 - $1) } }
        #expect(jumps.min()! > 1e-3, "a jump lies so near its kink that differences would cross it")
        let regularizer = JumpRegularizer(kind, layers: States.layers)
        for layer in 0...States.layers {
            // What is there already must stay.
            let gradient = FloatArena(count: States.count).all
            gradient.fill(2)
            regularizer.addGradient(
                of: layer, states.steps, states: states.activations, scale: 0.5, to: gradient)
            for index in 0..<States.count {
                func penalty(_ step: Double) -> Double {
                    var moved = states.doubles
                    moved[layer][index] += step
                    return naive.penalty(moved)
                }
                let isZeroState = layer == States.layers && index / States.width == zeroToken
                let slope = isZeroState ? 0 : (penalty(1e-5) - penalty(-1e-5)) / 2e-5
                #expect(abs(Double(gradient[index]) - 2 - 0.5 * slope) < 1e-6, "layer \(layer), element \(index)")
            }
        }
    }

    /// An angle does not change along the state itself.
    @Test(arguments: kinds) func gradientsAreOrthogonalToTheirStates(_ kind: JumpRegularizer.Kind) {
        let states = States(seed: 4)
        for layer in 0...States.layers {
            let gradient = FloatArena(count: States.count).all
            JumpRegularizer(kind, layers: States.layers).addGradient(
                of: layer, states.steps, states: states.activations, scale: 1, to: gradient)
            for token in 0..<States.tokens {
                let row = gradient.rows(token..<(token + 1), width: States.width).array
                let state = states.doubles[layer][(token * States.width)...]
                let product = zip(row, state).reduce(0) { $0 + Double($1.0) * $1.1 }
                #expect(abs(product) < 1e-6)
            }
        }
    }

    @Test func layersOutsideTheModelAreRefused() async {
        await #expect(processExitsWith: .failure) { _ = JumpRegularizer(.jumpRate(from: 0), layers: 3) }
        await #expect(processExitsWith: .failure) { _ = JumpRegularizer(.jumpRate(from: 4), layers: 3) }
    }
}

/// Random states h_0...h_4 of five tokens, recorded.
private struct States {
    static let (layers, tokens, width) = (4, 5, 19)
    static var count: Int { tokens * width }
    let activations: Activations
    let steps: AngularSteps
    let doubles: [[Double]]

    /// - Parameter zeroToken: a token whose last state is zero.
    init(seed: UInt64, zeroToken: Int? = nil) {
        var config = LlamaConfig()
        config.hiddenSize = Self.width
        config.numHiddenLayers = Self.layers
        activations = Activations(config, sequences: 1, length: Self.tokens, purpose: .training, teamSize: 1)
        steps = AngularSteps(
            layers: Self.layers, tokens: Self.tokens, width: Self.width, team: ThreadTeam(size: 2))
        let random = RandomNumbers(seed: seed)
        for layer in 0...Self.layers {
            let first = UInt64(layer * Self.count)
            activations.state(layer).copy(
                from: (0..<Self.count).map { Float(random.uniform(first + UInt64($0)) * 2 - 1) })
        }
        if let zeroToken {
            activations.state(Self.layers).rows(zeroToken..<(zeroToken + 1), width: Self.width).fill(0)
        }
        for layer in 1...Self.layers {
            steps.record(layer, before: activations.state(layer - 1), after: activations.state(layer))
        }
        doubles = (0...Self.layers).map { [activations] in activations.state($0).array.map(Double.init) }
    }
}

extension Double {
    fileprivate func rounded(toPlaces places: Int) -> Double {
        let factor = pow(10, Double(places))
        return (self * factor).rounded() / factor
    }
}
