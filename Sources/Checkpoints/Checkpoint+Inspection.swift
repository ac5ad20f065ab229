import FileSafety
import LlamaModel

extension Checkpoint {
    /// Checks every file of a checkpoint, whatever is wrong with the others: the marker, sizes and hashes, and what the
    /// files hold. Nothing but `path` itself need exist.
    public static func inspect(_ path: String) -> [FileFinding] {
        func file(_ name: String) -> String { path + "/" + name }
        // The marker and the list vouch for one another.
        let marker = FileFinding(checking: file(CheckpointFiles.complete)) {
            _ = try checksums(path)
            return nil
        }
        var listed: [String: FileDigest] = [:]
        let list = FileFinding(checking: file(CheckpointFiles.checksums)) {
            listed = try files(listedIn: file(CheckpointFiles.checksums))
            let missing = CheckpointFiles.required.filter { listed[$0] == nil }
            return missing.isEmpty ? nil : "it does not list \(missing.joined(separator: ", "))"
        }
        // Shapes are held against a configuration that is sound, or against none. By name it comes first.
        var layout: ParameterLayout?
        let others = Set(listed.keys).union(CheckpointFiles.required).sorted().map { name in
            FileFinding(checking: file(name)) {
                if let wanted = listed[name] { try compare(file(name), with: wanted) }
                switch name {
                case CheckpointFiles.config:
                    layout = ParameterLayout(try HuggingFaceConfig(path: file(name)).model)
                case CheckpointFiles.generationConfig: _ = try JSONValue(file: file(name))
                case CheckpointFiles.trainer: _ = try TrainerState(path: file(name))
                case CheckpointFiles.model:
                    return try SafetensorsFile(file(name)).problem(
                        layout.map { try HuggingFaceCheckpoint(directory: path).problems($0) } ?? [])
                case CheckpointFiles.optimizer:
                    let moments = try SafetensorsFile(file(name))
                    return try moments.problem(
                        layout.map { layout in CheckpointMoment.allCases.flatMap { moments.mismatches($0, layout) } }
                            ?? [])
                default: break
                }
                return nil
            }
        }
        return [marker, list] + others
    }
}

extension HuggingFaceCheckpoint {
    /// Checks the configuration and every weight file of a Hugging Face directory: headers, shapes, and whether all
    /// numbers are finite.
    public static func inspect(_ directory: String) -> [FileFinding] {
        func file(_ name: String) -> String { directory + "/" + name }
        var layout: ParameterLayout?
        let config = FileFinding(checking: file("config.json")) {
            layout = ParameterLayout(try HuggingFaceConfig(path: file("config.json")).model)
            return nil
        }
        func problems() throws -> [String] {
            try layout.map { try HuggingFaceCheckpoint(directory: directory).problems($0) } ?? []
        }
        let (single, index) = ("model.safetensors", "model.safetensors.index.json")
        if FileSystem.exists(file(single)) || !FileSystem.exists(file(index)) {
            return [
                config,
                FileFinding(checking: file(single)) { try SafetensorsFile(file(single)).problem(try problems()) },
            ]
        }
        let weights = shardNames(file(index)).map { name in
            FileFinding(checking: file(name)) { try SafetensorsFile(file(name)).problem([]) }
        }
        let map = FileFinding(checking: file(index)) {
            // Where a file cannot be read at all, its own finding says so.
            let found = try problems()
            return found.isEmpty ? nil : found.joined(separator: "; ")
        }
        return [config, map] + weights
    }

    /// The files that an index names, if it can be read.
    private static func shardNames(_ index: String) -> [String] {
        let map = (try? JSONValue(file: index)["weight_map"]?.object) ?? [:]
        return Set(map.values.compactMap(\.string).filter(isPlainFileName)).sorted()
    }
}

extension SafetensorsFile {
    /// The misfits that were found; without any, how many numbers are infinite or none, and where the first of them is;
    /// nil where all is well.
    fileprivate func problem(_ misfits: [String]) throws -> String? {
        if !misfits.isEmpty { return misfits.joined(separator: "; ") }
        let floatTypes: [DataType] = [.f32, .bf16, .f16, .f64]
        var (count, first) = (0, "")
        for tensor in order where floatTypes.contains(tensor.dtype) {
            let found = try nonFiniteElements(of: tensor)
            if count == 0, let position = found.first { first = "\(tensor.name)[\(position)]" }
            count += found.count
        }
        return count == 0 ? nil : "\(count) of its numbers are infinite or no numbers, the first is \(first)"
    }
}
