import Checkpoints
import Foundation
import Kernels
import LlamaModel

/// Saves a checkpoint, for CheckpointsTests to kill it while it does: `CheckpointsProbe DIRECTORY STEP`.
@main
enum CheckpointsProbe {
    static func main() throws {
        let (directory, step) = (CommandLine.arguments[1], Int(CommandLine.arguments[2])!)
        var model = LlamaConfig()
        model.hiddenSize = 8
        model.intermediateSize = 8
        model.numHiddenLayers = 1
        model.numAttentionHeads = 2
        model.numKeyValueHeads = 1
        model.headDim = 4
        model.vocabSize = 16
        let layout = ParameterLayout(model)
        let numbers = FloatArena(count: layout.count).all
        numbers.fill(Float(step))
        let state = TrainerState(
            step: step, samplesConsumed: step * 8, datasetFingerprint: "f00d", lanes: 8, seed: 1, config: [:],
            versions: .init(jregDist: "0", swift: "6", instructionSet: "x86-64-v4"), worldSize: 1)
        let config = HuggingFaceConfig(model: model, specialTokens: SpecialTokens())
        _ = try CheckpointStore(directory: directory, keep: 2).save(state, expectedBytes: 0) { writer in
            try writer.addModel(config, layout, parameters: numbers)
            try writer.addMoments(layout) { file in for _ in 0..<2 { try file.append(numbers) } }
        }
    }
}
