/// The files of a checkpoint directory that this program gives their names.
enum CheckpointFiles {
    static let config = "config.json"
    static let generationConfig = "generation_config.json"
    static let model = "model.safetensors"
    static let optimizer = "optimizer.safetensors"
    static let trainer = "trainer.json"
    /// Size and hash of every other file but the marker.
    static let checksums = "checksums.json"
    /// The marker, written last: the hash of `checksums.json`, and so in turn of everything.
    static let complete = "COMPLETE"

    /// The content of the marker for a `checksums.json` with this digest.
    static func marker(_ list: FileDigest) -> [UInt8] { Array((list.xxh3 + "\n").utf8) }

    /// What a run cannot be resumed or evaluated without.
    static let required = [config, generationConfig, model, optimizer, trainer]

    /// The list of files with their digests.
    struct Checksums: Codable {
        /// By file name.
        let files: [String: FileDigest]
    }

    /// The prefixes of the tensor names in `optimizer.safetensors`, spelled as PyTorch's AdamW does.
    static let firstMoment = "exp_avg."
    static let secondMoment = "exp_avg_sq."
}

/// The names of the directories in a store.
enum CheckpointNames {
    /// `step-00000100`; more digits where eight do not suffice.
    static func directory(step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// The step that a name stands for, if it is exactly what `directory(step:)` makes.
    static func step(of name: String) -> Int? {
        guard let step = Int(name.dropFirst("step-".count)), step >= 0, directory(step: step) == name else {
            return nil
        }
        return step
    }

    /// Where the checkpoint of a step grows until it is whole.
    static func temporary(step: Int, process: Int32) -> String { "\(directory(step: step)).tmp-\(process)" }

    static func isTemporary(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, step(of: String(parts[0])) != nil, parts[1].hasPrefix("tmp-") else { return false }
        return Int32(parts[1].dropFirst("tmp-".count)) != nil
    }
}
