import Checkpoints
import Foundation
import Kernels
import LlamaModel

/// The folder of files that the reference implementations wrote.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/checkpoints").path()

/// Runs `body` with the path of a new directory that is gone afterwards.
func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "jreg-test-\(UUID().uuidString)").path()
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try body(directory)
}

func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

/// The text of the error that `body` throws, and its kind. Nil if it throws none.
func failure(_ body: () throws -> Void) -> CheckpointError? {
    do {
        try body()
        return nil
    } catch {
        return error as? CheckpointError
    }
}

/// A splitmix64 generator: the same numbers in every run of the tests.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A model of odd sizes, whose tensors begin and end at odd places.
func oddConfig(tied: Bool = false) -> LlamaConfig {
    var config = LlamaConfig()
    config.hiddenSize = 9
    config.intermediateSize = 7
    config.numHiddenLayers = 2
    config.numAttentionHeads = 3
    config.numKeyValueHeads = 1
    config.headDim = 4
    config.vocabSize = 13
    config.maxPositionEmbeddings = 32
    config.tieWordEmbeddings = tied
    return config
}

/// Floats that are all different: `start`, `start + 1`…
func ramp(_ count: Int, from start: Float = 0) -> FloatSlice {
    let arena = FloatArena(count: count)
    arena.all.copy(from: (0..<count).map { start + Float($0) })
    return arena.all
}
