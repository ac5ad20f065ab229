import LlamaModel
import Testing

@Suite struct ActivationPlanTests {
    /// Making the activations takes every part out of one arena, and refuses to reach beyond the planned size.
    @Test(arguments: [(1, 1), (1, 7), (3, 5), (2, 128), (1, 513), (5, 300)])
    func thePlannedMemoryHoldsEveryPart(sequences: Int, length: Int) {
        for config in [LlamaConfig.tiny(), .tiny(kvHeads: 1), LlamaConfig()] {
            for purpose in [Activations.Purpose.training, .trainingWithRecompute, .evaluation] {
                for teamSize in [1, 3] {
                    let activations = Activations(
                        config, sequences: sequences, length: length, purpose: purpose, teamSize: teamSize)
                    let floats = sequences * length * config.hiddenSize
                    #expect(activations.tokenCount == sequences * length)
                    #expect((0...config.numHiddenLayers).allSatisfy { activations.state($0).count == floats })
                    #expect(activations.stateGradient.count == (purpose == .evaluation ? 0 : floats))
                    #expect(activations.keepsStates == (purpose != .evaluation))
                }
            }
        }
    }

    @Test func whatIsKeptCostsMemory() {
        func floats(_ purpose: Activations.Purpose, length: Int = 256, teamSize: Int = 1) -> Int {
            ActivationPlan(LlamaConfig(), sequences: 4, length: length, purpose: purpose, teamSize: teamSize).floats
        }
        #expect(floats(.evaluation) < floats(.trainingWithRecompute))
        // All but one of the 8 blocks are not held.
        let blocks = floats(.training) - floats(.trainingWithRecompute)
        let perToken = 2 + 3 * 256 + 256 + 4 + 256 + 2 * 688
        #expect(blocks >= 7 * 1024 * perToken && blocks < 7 * 1024 * perToken + 1000)
        #expect(floats(.training, length: 512) > floats(.training))
        #expect(floats(.training, teamSize: 2) > floats(.training))
    }
}
