import FileSafety
import Kernels
import LlamaModel

/// A directory in the layout of Hugging Face: `config.json` and the weights, in one safetensors file or in several with an index.
///
/// ```swift
/// let source = try HuggingFaceCheckpoint(directory: "Llama-3.2-1B")
/// let layout = ParameterLayout(source.config.model)
/// let parameters = FloatArena(count: layout.count)
/// try source.readWeights(layout, into: parameters.all)
/// ```
public struct HuggingFaceCheckpoint: Sendable {
    public let directory: String
    public let config: HuggingFaceConfig
    /// The file that holds each tensor.
    private let files: [String: SafetensorsFile]

    /// Reads the configuration and the headers of all weight files.
    ///
    /// - Throws: `CheckpointError` when a file is missing, damaged or of another architecture.
    public init(directory: String) throws {
        self.directory = directory
        config = try HuggingFaceConfig(path: directory + "/config.json")
        let single = directory + "/model.safetensors"
        let index = directory + "/model.safetensors.index.json"
        if FileSystem.exists(single) {
            let file = try SafetensorsFile(single)
            files = file.tensors.mapValues { _ in file }
        } else if FileSystem.exists(index) {
            files = try Self.shards(index: index, directory: directory)
        } else {
            let hint =
                FileSystem.exists(directory + "/pytorch_model.bin")
                ? "pytorch_model.bin is not read: load it with transformers and save it with save_pretrained"
                : "check the path"
            throw CheckpointError(
                .unsupported, "\(directory) has neither model.safetensors nor model.safetensors.index.json; \(hint)")
        }
    }

    /// Reads the weights, or some of them, after checking that the model has exactly the tensors of `layout`.
    ///
    /// Where the layout has a head of its own and the files tie it, the embedding fills both.
    /// - Parameter elements: the part of the flat arena to read, all by default; `parameters` has as many floats.
    /// - Throws: `CheckpointError` that lists every tensor that is missing, misshapen or unknown.
    public func readWeights(_ layout: ParameterLayout, elements: Range<Int>? = nil, into parameters: FloatSlice) throws
    {
        try requireFit(layout)
        try layout.forEachPart(of: elements ?? 0..<layout.count) { tensor, part, place in
            let name = storedName(tensor)
            try files[name]!.read(name, elements: part, into: parameters[place])
        }
    }

    /// To be asked before memory is taken for a model that a file describes.
    ///
    /// - Throws: `CheckpointError` that lists every tensor that is missing, misshapen or unknown.
    public func requireFit(_ layout: ParameterLayout) throws {
        let problems = problems(layout)
        guard problems.isEmpty else {
            throw CheckpointError(.unsupported, "the weights in \(directory) do not fit the model", listing: problems)
        }
    }

    /// Everything in which the stored tensors differ from those of `layout`.
    func problems(_ layout: ParameterLayout) -> [String] {
        var problems = layout.tensors.compactMap { tensor in
            let name = storedName(tensor)
            return tensor.mismatch(with: files[name]?.tensors[name], named: name)
        }
        var known = Set(layout.tensors.map(\.name))
        if config.model.tieWordEmbeddings { known.insert(Self.head) }
        for name in files.keys.sorted() where !known.contains(name) && !name.hasSuffix("rotary_emb.inv_freq") {
            problems.append("\(name) has no place in the model")
        }
        return problems
    }

    private static let head = "lm_head.weight"

    private func storedName(_ tensor: ParameterTensor) -> String {
        let isTied = tensor.name == Self.head && files[Self.head] == nil && config.model.tieWordEmbeddings
        return isTied ? "model.embed_tokens.weight" : tensor.name
    }

    /// Opens the files that an index names, and finds each tensor in the one that it is said to be in.
    private static func shards(index: String, directory: String) throws -> [String: SafetensorsFile] {
        guard let map = try JSONValue(file: index)["weight_map"]?.object, !map.isEmpty else {
            throw CheckpointError(.damaged, "\(index) has no weight_map from tensor names to file names")
        }
        var opened: [String: SafetensorsFile] = [:]
        var files: [String: SafetensorsFile] = [:]
        var problems: [String] = []
        for (tensor, value) in map.sorted(by: { $0.key < $1.key }) {
            guard let name = value.string, isPlainFileName(name) else {
                problems.append("\(tensor) is said to be in \(value.text), which is no plain file name")
                continue
            }
            let file = try opened[name] ?? SafetensorsFile(directory + "/" + name)
            opened[name] = file
            files[tensor] = file
            if file.tensors[tensor] == nil { problems.append("\(tensor) is not in \(name), where the index has it") }
        }
        guard problems.isEmpty else {
            throw CheckpointError(.damaged, "\(index) does not describe the files beside it", listing: problems)
        }
        return files
    }
}
