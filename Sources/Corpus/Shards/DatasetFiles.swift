import Foundation

/// The names of the files of a prepared dataset.
enum DatasetFiles {
    static let description = "dataset.json"

    static func shard(_ split: DatasetSplit, _ number: Int) -> String {
        let digits = String(number)
        return "\(prefix(split))_\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits).bin"
    }

    static func isShard(_ name: String) -> Bool {
        DatasetSplit.allCases.contains { name.hasPrefix(prefix($0) + "_") } && name.hasSuffix(".bin")
            && name.dropLast(4).drop { $0 != "_" }.dropFirst().allSatisfy(\.isWholeNumber)
    }

    static func isPartialShard(_ name: String) -> Bool {
        name.hasSuffix(DurableFile.partialSuffix) && isShard(String(name.dropLast(DurableFile.partialSuffix.count)))
    }

    /// Whether a path is one of the files that `prepare` writes into `output`.
    static func contain(_ path: String, output: String) -> Bool {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        let directory = URL(fileURLWithPath: output).resolvingSymlinksInPath()
        guard file.deletingLastPathComponent().pathComponents == directory.pathComponents else { return false }
        let name = file.lastPathComponent
        return isShard(name) || isPartialShard(name)
            || [description, SentencePieceTokenizer.modelFileName, tokenizerConfigurationName, tokenizerJSONName]
                .contains(name)
    }

    private static func prefix(_ split: DatasetSplit) -> String {
        switch split {
        case .train: "train"
        case .validation: "val"
        }
    }
}
