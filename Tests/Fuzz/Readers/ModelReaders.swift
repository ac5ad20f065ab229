import Checkpoints
import Foundation
import Kernels
import LlamaModel

/// A model so small that its files are a few kilobytes.
private var tinyShape: LlamaConfig {
    var shape = LlamaConfig()
    (shape.hiddenSize, shape.intermediateSize, shape.numHiddenLayers) = (4, 3, 1)
    (shape.numAttentionHeads, shape.numKeyValueHeads, shape.headDim) = (2, 1, 2)
    (shape.vocabSize, shape.maxPositionEmbeddings) = (5, 8)
    return shape
}

/// A checkpoint of a tiny model, and what its files hold.
struct TinyCheckpoint {
    let path: String

    /// Saves it in `directory`.
    init(in directory: String, step: Int = 1) throws {
        let layout = ParameterLayout(tinyShape)
        let floats = FloatArena(count: layout.count).all
        for index in 0..<floats.count { floats[index] = Float(index) / 8 }
        var history = StepHistory()
        (history.skipped, history.losses) = (1, [2.5])
        let state = TrainerState(
            step: step, samplesConsumed: 16, datasetFingerprint: "f00d", lanes: 8, seed: 1,
            config: ["optimizer": ["learning_rate": 0.0006], "data": ["train": ["a", "b"]], "run": ["trace": nil]],
            versions: .init(jregDist: "0.1.0", swift: "6.3", instructionSet: "x86-64-v4"), worldSize: 2,
            history: history)
        let store = try CheckpointStore(directory: directory, keep: 2)
        path = try store.save(state, expectedBytes: CheckpointWriter.byteCount(layout)) { writer in
            let tokens = SpecialTokens(beginOfText: 1, endOfText: [2])
            try writer.addModel(HuggingFaceConfig(model: tinyShape, specialTokens: tokens), layout, parameters: floats)
            try writer.addMoments(layout) { stream in
                try stream.append(floats)
                try stream.append(floats)
            }
        }
    }

    func file(_ name: String) -> String { path + "/" + name }
}

/// `model.safetensors`, alone and as the weights of a Hugging Face directory.
struct SafetensorsReader: FileReader {
    private let directory: String
    private let weights: String
    let seeds: [[UInt8]]

    init(_ directory: String) throws {
        self.directory = directory
        let checkpoint = try TinyCheckpoint(in: directory)
        weights = directory + "/model.safetensors"
        try FileManager.default.copyItem(atPath: checkpoint.file("config.json"), toPath: directory + "/config.json")
        try FuzzFile(in: directory).link(as: weights)
        var header = #"{"__metadata__":{"format":"pt"},"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"#
        header += #""e":{"dtype":"BF16","shape":[0,3],"data_offsets":[8,8]},"#
        header +=
            #""h":{"dtype":"F16","shape":[2,1],"data_offsets":[8,12]},"i":{"dtype":"I8","shape":[4],"data_offsets":[12,16]}}"#
        let types = Array(header.utf8)
        seeds = [
            try bytes(checkpoint.file("model.safetensors")), try bytes(checkpoint.file("optimizer.safetensors")),
            [UInt8(types.count)] + [UInt8](repeating: 0, count: 7) + types + [UInt8](1...16),
        ]
    }

    func read(_ content: [UInt8]) throws {
        for finding in HuggingFaceCheckpoint.inspect(directory) { _ = finding.problem }
        let file = try SafetensorsFile(weights)
        for tensor in file.order {
            do { _ = try file.doubles(tensor.name) } catch let error as CheckpointError where error.kind == .unsupported
            {
            }
        }
        let checkpoint = try HuggingFaceCheckpoint(directory: directory)
        let layout = ParameterLayout(checkpoint.config.model)
        try checkpoint.readWeights(layout, into: FloatArena(count: layout.count).all)
    }
}

/// `config.json`: as far as the layout of the weights, which is made of it before any of them is read.
struct ConfigReader: FileReader {
    private let path: String

    init(_ directory: String) throws { path = FuzzFile(in: directory).path }

    var seeds: [[UInt8]] {
        var grouped = tinyShape
        grouped.ropeScaling = .llama3(
            factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192)
        var linear = tinyShape
        (linear.ropeScaling, linear.tieWordEmbeddings) = (.linear(factor: 2), true)
        let tokens = SpecialTokens(beginOfText: 1, endOfText: [2, 3], padding: 0)
        return [tinyShape, grouped, linear].map {
            Array(HuggingFaceConfig(model: $0, specialTokens: tokens).json.text.utf8)
        }
    }

    func read(_ content: [UInt8]) throws {
        let config = try HuggingFaceConfig(path: path)
        precondition(ParameterLayout(config.model).count > 0)
        precondition(config.model.rotaryFrequencies.count == config.model.headDim / 2)
        _ = config.json.text + config.generationJSON.text
    }
}

/// `model.safetensors.index.json` over two files.
struct IndexReader: FileReader {
    private let directory: String
    private let names: [String]

    init(_ directory: String) throws {
        self.directory = directory
        let checkpoint = try TinyCheckpoint(in: directory)
        try FileManager.default.copyItem(atPath: checkpoint.file("config.json"), toPath: directory + "/config.json")
        let tensors = ParameterLayout(tinyShape).tensors
        names = tensors.map(\.name)
        for (file, part) in [("a.safetensors", tensors[..<4]), ("b.safetensors", tensors[4...])] {
            let writer = try SafetensorsWriter(directory + "/" + file, tensors: part.map { ($0.name, $0.shape) })
            try writer.append([Float](repeating: 0.5, count: writer.count))
            _ = try writer.finish()
        }
        try FuzzFile(in: directory).link(as: directory + "/model.safetensors.index.json")
    }

    var seeds: [[UInt8]] {
        let map = names.enumerated().map { ($1, JSONValue.string($0 < 4 ? "a.safetensors" : "b.safetensors")) }
        let index: JSONValue = [
            "weight_map": .object(Dictionary(uniqueKeysWithValues: map)), "metadata": ["total_size": 1],
        ]
        return [Array(index.text.utf8)]
    }

    func read(_ content: [UInt8]) throws {
        for finding in HuggingFaceCheckpoint.inspect(directory) { _ = finding.problem }
        let checkpoint = try HuggingFaceCheckpoint(directory: directory)
        let layout = ParameterLayout(checkpoint.config.model)
        try checkpoint.readWeights(layout, into: FloatArena(count: layout.count).all)
    }
}
