import Checkpoints
import Foundation
import Kernels
import LlamaModel
import Testing

let oddLayout = ParameterLayout(oddConfig())

func trainerState(step: Int, history: StepHistory = StepHistory()) -> TrainerState {
    TrainerState(
        step: step, samplesConsumed: step * 16, datasetFingerprint: "f00d", lanes: 8, seed: .max,
        config: [
            "optimizer": ["learning_rate": 0.0006, "schedule": "wsd"], "data": ["train": ["a", "b"], "x": nil],
        ],
        versions: .init(jregDist: "0.1.0", swift: "6.3.1", instructionSet: "x86-64-v4"),
        worldSize: 2, history: history)
}

/// Adds all files of a checkpoint, with weights from `step` upwards and moments that follow them.
func addFiles(_ writer: CheckpointWriter, step: Int) throws {
    let config = HuggingFaceConfig(model: oddConfig(), specialTokens: SpecialTokens(beginOfText: 1, endOfText: [2]))
    try writer.addModel(config, oddLayout, parameters: ramp(oddLayout.count, from: Float(step)))
    try writer.add("tokenizer.model", bytes: Array("a tokenizer".utf8))
    try writer.addMoments(oddLayout) { stream in
        for start in stride(from: 0, to: stream.count, by: 100) {
            try stream.append(ramp(min(100, stream.count - start), from: Float(step + start)))
        }
    }
}

@discardableResult
func save(_ store: CheckpointStore, step: Int) throws -> String {
    try store.save(trainerState(step: step), expectedBytes: CheckpointWriter.byteCount(oddLayout)) {
        try addFiles($0, step: step)
    }
}

func names(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
}

func steps(_ store: CheckpointStore) throws -> [Int] { try store.list().map(\.step) }

/// What every kill and failure must leave: a checkpoint whose every byte is as it was written.
func expectWhole(_ path: String, step: Int) throws {
    let checkpoint = try Checkpoint(verifying: path)
    #expect(checkpoint.state == trainerState(step: step))
    let weights = FloatArena(count: oddLayout.count)
    try checkpoint.readWeights(oddLayout, into: weights.all)
    #expect(weights.all.array == ramp(oddLayout.count, from: Float(step)).array)
}

/// All files of a checkpoint.
let checkpointFiles = [
    "COMPLETE", "checksums.json", "config.json", "generation_config.json", "model.safetensors", "optimizer.safetensors",
    "tokenizer.model", "trainer.json",
]

/// Runs a program and says whether it succeeded.
func runs(_ program: String, _ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
}

/// Runs `body` in a file system of its own, of 256 KiB. Needs the right to mount.
func withSmallFileSystem(_ body: (String) throws -> Void) throws {
    try withTemporaryDirectory { directory in
        guard runs("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", directory) else {
            throw CocoaError(.featureUnsupported)
        }
        defer { _ = runs("umount", "-l", directory) }
        try body(directory)
    }
}

/// Whether this user may mount file systems: what full and read-only disks are made of here.
let canMount: Bool = (try? withSmallFileSystem { _ in }) != nil
