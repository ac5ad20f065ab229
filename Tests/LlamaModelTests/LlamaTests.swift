import Foundation
import Kernels
import LlamaModel
import Testing

@Suite struct LlamaTests {
    static let windows = (0..<2).map { randomTokens(32, seed: 20 + $0) }

    /// What is kept of a forward pass is a matter of memory, never of numbers.
    @Test(arguments: [1, 3], [false, true]) func everyPurposeHasTheSameStates(kvHeads: Int, masked: Bool) {
        let model = Llama.random(.tiny(kvHeads: kvHeads))
        let batch = TokenBatch(
            windows: Self.windows, documentStarts: masked ? { $0.indices.map { $0 < 11 ? 0 : 11 } } : nil)
        let training = states(model, batch, .training)
        #expect(states(model, batch, .trainingWithRecompute) == training)
        #expect(states(model, batch, .evaluation) == training)
        #expect(training.layers.allSatisfy { $0.allSatisfy { $0.isFinite } })
    }

    @Test func statesAreVisitedInOrderAndKept() {
        let model = Llama.random(.tiny())
        let batch = TokenBatch(windows: Self.windows)
        let activations = Activations(model.config, sequences: 2, length: 31, purpose: .training, teamSize: 1)
        var visited: [Int] = []
        model.forward(batch, activations) { layer, before, after in
            visited.append(layer)
            #expect(before.array == activations.state(layer - 1).array)
            #expect(after.array == activations.state(layer).array)
        }
        #expect(visited == [1, 2, 3])
        let embedding = model.parameters[model.layout.embedding]
        let firstTokens = batch.inputs.flatMap { embedding.rows(Int($0)..<(Int($0) + 1), width: 36).array }
        #expect(activations.state(0).array == firstTokens)
    }

    @Test func theFutureDoesNotReachBack() {
        let model = Llama.random(.tiny(kvHeads: 1))
        let text = randomTokens(20)
        var other = text
        other[12] = (text[12] + 1) % 101
        let (before, after) = (model.logits(of: text), model.logits(of: other))
        #expect(before[..<12] == after[..<12])
        for position in 12..<20 { #expect(before[position] != after[position]) }
    }

    @Test func documentsOfAMaskedSequenceAreIndependent() {
        let model = Llama.random(.tiny(kvHeads: 1))
        let window = randomTokens(24)
        func finalStates(_ window: [Int32]) -> [Float] {
            states(model, TokenBatch(windows: [window]) { $0.indices.map { $0 < 9 ? 0 : 9 } }, .training).layers[2]
        }
        var other = window
        other[3] = (window[3] + 1) % 101
        let (before, after) = (finalStates(window), finalStates(other))
        #expect(before[(9 * 36)...] == after[(9 * 36)...])
        #expect(before[..<(9 * 36)] != after[..<(9 * 36)])
    }

    @Test func threadsChangeNoBit() {
        let batch = TokenBatch(windows: (0..<5).map { randomTokens(41, seed: 40 + $0) })
        let alone = states(.random(.tiny()), batch, .training)
        #expect(states(.random(.tiny(), threads: 2), batch, .training) == alone)
        #expect(states(.random(.tiny(), threads: 3), batch, .training) == alone)
    }

    /// More tokens than the head takes at once.
    @Test func theHeadTakesAllTokensInOrder() {
        let tokens = ActivationPlan.headChunkTokens + 76
        let model = Llama.random(.tiny(tied: true), maximumLength: tokens)
        let activations = Activations(model.config, sequences: 1, length: tokens, purpose: .evaluation, teamSize: 1)
        let state = activations.state(0)
        let random = RandomNumbers(seed: 8)
        state.copy(from: (0..<(tokens * 36)).map { Float(random.uniform(UInt64($0)) - 0.5) })
        let (losses, squares) = (FloatArena(count: tokens).all, FloatArena(count: tokens).all)
        let targets = randomTokens(tokens)
        model.headForward(state: state, targets: targets, losses: losses, squares: squares, activations)
        for row in [0, 1, ActivationPlan.headChunkTokens - 1, ActivationPlan.headChunkTokens, tokens - 1] {
            let logits = readOut(model, state.rows(row..<(row + 1), width: 36).array)
            let logSumExp = log(logits.reduce(0) { $0 + exp($1) })
            #expect(abs(Double(losses[row]) - (logSumExp - logits[Int(targets[row])])) < 1e-5, "row \(row)")
            #expect(abs(Double(squares[row]) - logSumExp * logSumExp) < 1e-4, "row \(row)")
        }
    }

    @Test(arguments: [Activations.Purpose.training, .evaluation])
    func theFinalNormAgreesWithDouble(purpose: Activations.Purpose) {
        let model = Llama.random(.tiny())
        let activations = Activations(model.config, sequences: 2, length: 31, purpose: purpose, teamSize: 1)
        model.forward(TokenBatch(windows: Self.windows), activations) { _, _, _ in }
        let state = activations.state(3)
        let before = state.array
        let found = model.finalNorm(of: state, activations)
        #expect(state.array == before)
        for token in 0..<62 {
            let wanted = normalized(model, state.rows(token..<(token + 1), width: 36).array)
            let row = found.rows(token..<(token + 1), width: 36).array
            #expect(zip(row, wanted).allSatisfy { abs(Double($0) - $1) < 1e-5 }, "token \(token)")
        }
    }

    @Test func whatCannotRunIsRefused() async {
        await #expect(processExitsWith: .failure) {
            let config = LlamaConfig.tiny()
            let parameters = FloatArena(count: ParameterLayout(config).count - 1).all
            _ = Llama(config, parameters: parameters, maximumLength: 8, team: ThreadTeam(size: 1))
        }
        await #expect(processExitsWith: .failure) {
            let model = Llama.random(.tiny())
            let activations = Activations(model.config, sequences: 1, length: 3, purpose: .training, teamSize: 1)
            model.forward(TokenBatch(windows: [[1, 2, 3]]), activations) { _, _, _ in }
        }
        await #expect(processExitsWith: .failure) {
            let model = Llama.random(.tiny(), maximumLength: 4)
            _ = model.logits(of: [1, 2, 3, 4, 5])
        }
        await #expect(processExitsWith: .failure) {
            let model = Llama.random(.tiny())
            _ = model.logits(of: [1, 101])
        }
        await #expect(processExitsWith: .failure) {
            let model = Llama.random(.tiny())
            let activations = Activations(model.config, sequences: 1, length: 2, purpose: .evaluation, teamSize: 1)
            model.backward(
                TokenBatch(windows: [[1, 2, 3]]), activations, gradients: FloatArena(count: model.layout.count).all,
                accumulate: false)
        }
    }

    struct States: Equatable {
        var layers: [[Float]] = []
        var logits: [Float] = []
    }

    private func states(_ model: Llama, _ batch: TokenBatch, _ purpose: Activations.Purpose) -> States {
        let activations = Activations(
            model.config, sequences: batch.sequences, length: batch.length, purpose: purpose, teamSize: model.team.size)
        var states = States()
        model.forward(batch, activations) { _, _, after in states.layers.append(after.array) }
        states.logits = model.logits(of: activations.state(model.config.numHiddenLayers)).array
        return states
    }

    /// The final norm of one state in Double.
    private func normalized(_ model: Llama, _ state: [Float]) -> [Double] {
        let weight = model.parameters[model.layout.finalNorm].array
        let meanSquare = state.reduce(0) { $0 + Double($1) * Double($1) } / Double(state.count)
        let scale = 1 / (meanSquare + model.config.rmsNormEps).squareRoot()
        return zip(state, weight).map { Double($0) * scale * Double($1) }
    }

    /// The logits of one state in Double.
    private func readOut(_ model: Llama, _ state: [Float]) -> [Double] {
        let x = normalized(model, state)
        let head = model.parameters[model.layout.head].array.map(Double.init)
        return (0..<model.config.vocabSize).map { token in
            x.indices.reduce(0) { $0 + head[token * x.count + $1] * x[$1] }
        }
    }
}
