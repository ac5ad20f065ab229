import Kernels
import LlamaModel

extension CheckpointWriter {
    /// Adds what `transformers.LlamaForCausalLM.from_pretrained` opens: the two configurations and the weights.
    ///
    /// - Parameter parameters: the whole arena, which is the body of `model.safetensors` as it lies.
    public func addModel(_ config: HuggingFaceConfig, _ layout: ParameterLayout, parameters: FloatSlice) throws {
        try add(CheckpointFiles.config, json: config.json)
        try add(CheckpointFiles.generationConfig, json: config.generationJSON)
        try add(CheckpointFiles.model, tensors: Self.modelTensors(layout)) { try $0.append(parameters) }
    }

    /// Adds the two moments of AdamW, which `body` appends: all of the first, then all of the second, each in the order of
    /// the arena and in pieces of any size.
    public func addMoments(_ layout: ParameterLayout, body: (SafetensorsWriter) throws -> Void) throws {
        try add(CheckpointFiles.optimizer, tensors: Self.momentTensors(layout), body: body)
    }

    /// The bytes that a checkpoint of this model takes, with room for the small files but without a tokenizer.
    public static func byteCount(_ layout: ParameterLayout) -> Int {
        SafetensorsWriter.byteCount(tensors: modelTensors(layout))
            + SafetensorsWriter.byteCount(tensors: momentTensors(layout)) + 64 << 10
    }

    private static func modelTensors(_ layout: ParameterLayout) -> [(name: String, shape: [Int])] {
        layout.tensors.map { ($0.name, $0.shape) }
    }

    private static func momentTensors(_ layout: ParameterLayout) -> [(name: String, shape: [Int])] {
        [CheckpointFiles.firstMoment, CheckpointFiles.secondMoment].flatMap { prefix in
            layout.tensors.map { (prefix + $0.name, $0.shape) }
        }
    }
}
