import Foundation

/// A shard as it is named by a path in the configuration, with what a `dataset.json` beside it says about it.
struct ShardSource {
    let path: String
    let dataset: DatasetDescription?
    let description: ShardDescription?

    /// The shards that paths mean, in the order of the paths: a directory stands for the shards of `split` in its
    /// `dataset.json`, a glob for the files it matches, sorted by name. A path named twice counts twice.
    static func find(_ paths: [String], split: DatasetSplit) throws(CorpusError) -> [ShardSource] {
        var sources: [ShardSource] = []
        for path in paths {
            var isDirectory: ObjCBool = false
            if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
                sources += isDirectory.boolValue ? try shards(ofDataset: path, split: split) : [shard(at: path)]
                continue
            }
            let matches = expand(path)
            if matches.isEmpty {
                throw .usage(
                    "found no \(split) data at \(path): no such file or directory, and as a glob it matches nothing")
            }
            for match in matches {
                let isDataset = FileManager.default.fileExists(atPath: match, isDirectory: &isDirectory)
                sources +=
                    isDataset && isDirectory.boolValue ? try shards(ofDataset: match, split: split) : [shard(at: match)]
            }
        }
        if sources.isEmpty {
            throw .usage("no \(split) data named: set data.\(split) to a prepared directory or to shards")
        }
        return sources
    }

    private static func shards(ofDataset directory: String, split: DatasetSplit) throws(CorpusError) -> [ShardSource] {
        let dataset = try DatasetDescription.read(inDirectory: directory)
        if dataset[split].shards.isEmpty {
            throw .data("\(directory) holds no \(split) shards: prepare it again with a --val-fraction above 0")
        }
        return dataset[split].shards.map {
            ShardSource(path: directory + "/" + $0.file, dataset: dataset, description: $0)
        }
    }

    private static func shard(at path: String) -> ShardSource {
        let directory = (path as NSString).deletingLastPathComponent
        let name = (path as NSString).lastPathComponent
        let dataset = try? DatasetDescription.read(inDirectory: directory.isEmpty ? "." : directory)
        let shards = (dataset?.train.shards ?? []) + (dataset?.validation.shards ?? [])
        let description = shards.first { $0.file == name }
        return ShardSource(path: path, dataset: description == nil ? nil : dataset, description: description)
    }

    /// The matches of a shell pattern, sorted by the bytes of their names.
    private static func expand(_ pattern: String) -> [String] {
        var matches = glob_t()
        defer { globfree(&matches) }
        guard glob(pattern, GLOB_NOSORT, nil, &matches) == 0 else { return [] }
        return (0..<Int(matches.gl_pathc)).compactMap { matches.gl_pathv[$0].map { String(cString: $0) } }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
