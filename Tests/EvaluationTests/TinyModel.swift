import Collectives
import Corpus
import Evaluation
import Foundation
import Kernels
import LlamaModel

/// A model of odd sizes whose layers differ and whose norms do something.
func tinyModel(vocabulary: Int = 61) -> Llama {
    var config = LlamaConfig()
    config.hiddenSize = 20
    config.intermediateSize = 28
    config.numHiddenLayers = 3
    config.numAttentionHeads = 2
    config.numKeyValueHeads = 1
    config.headDim = 10
    config.vocabSize = vocabulary
    config.maxPositionEmbeddings = 64
    config.initializerRange = 0.3
    let layout = ParameterLayout(config)
    let parameters = FloatArena(count: layout.count).all
    layout.initialize(parameters, range: 0..<layout.count, config: config, seed: 3)
    let norm = parameters[layout.finalNorm]
    norm.copy(from: (0..<norm.count).map { 0.25 + 0.125 * Float($0) })
    return Llama(config, parameters: parameters, maximumLength: 32, team: ThreadTeam(size: 1))
}

/// Runs `body` with windows of `length` over `tokens` ids below `vocabulary`, from a shard in llm.c's format.
func withDataset<Result>(
    tokens count: Int, vocabulary: Int = 61, length: Int = 9, _ body: (TokenDataset) throws -> Result
) throws -> Result {
    let fields: [Int32] = [20_240_520, 1, Int32(count)] + [Int32](repeating: 0, count: 253)
    // A walk that a model of random weights finds no pattern in.
    let ids = (0..<count).map { UInt16(($0 * $0 * 7 + 3 * $0) % 1009 % vocabulary) }
    let content = fields.flatMap(littleEndianBytes) + ids.flatMap(littleEndianBytes)
    return try withTemporaryDirectory { directory in
        try Data(content).write(to: URL(filePath: directory + "/shard.bin"))
        return try body(
            TokenDataset(
                paths: [directory + "/shard.bin"], split: .validation, sequenceLength: length,
                vocabularySize: vocabulary))
    }
}

func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "jreg-test-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try body(directory)
}

private func littleEndianBytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<(Number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> Number(8 * $0)) }
}

func evaluate(
    _ model: Llama, _ dataset: TokenDataset, sequences: Int, readout: Int = 0, batchSize: Int = 1, mask: Bool = false
) throws -> EvaluationResult {
    let selection = Evaluator.Selection(
        sequences: sequences, readoutSequences: readout, batchSize: batchSize, documentMask: mask)
    return try Evaluator(communicator: LocalCommunicator(), dataset: dataset, selection: selection).evaluate(model)
}
