/// The kinds of files that may come from a stranger.
public enum FileKind: String, CaseIterable, Sendable {
    /// Weights, as `model.safetensors`.
    case safetensors
    /// Hugging Face's `config.json`.
    case config
    /// `model.safetensors.index.json`, which names other files.
    case index
    /// Token ids.
    case shard
    /// `dataset.json`, which names shards.
    case dataset
    /// A SentencePiece model.
    case tokenizer
    /// The configuration of a run.
    case yaml
    /// Text, plain or compressed.
    case text
    /// A text in each line, plain or compressed.
    case jsonl
    /// `trainer.json` of a checkpoint.
    case trainer
    /// `checksums.json` of a checkpoint, with the marker that vouches for it.
    case checksums
    /// `run.lock` of an output directory that another process holds.
    case lock

    /// What reads such a file in the program.
    /// - Parameter directory: an empty one. Whatever is read lies in it, under `FuzzFile.name`.
    public func reader(in directory: String) throws -> any FileReader {
        switch self {
        case .safetensors: try SafetensorsReader(directory)
        case .config: try ConfigReader(directory)
        case .index: try IndexReader(directory)
        case .shard: try ShardReader(directory)
        case .dataset: try DatasetReader(directory)
        case .tokenizer: try TokenizerReader(directory)
        case .yaml: try YAMLReader(directory)
        case .text: try TextReader(directory, name: "input.txt")
        case .jsonl: try TextReader(directory, name: "input.jsonl")
        case .trainer: try TrainerReader(directory)
        case .checksums: try ChecksumsReader(directory)
        case .lock: try LockReader(directory)
        }
    }
}
