import FileSafety
import Foundation

/// A file of text that is to become documents.
struct InputFile {
    let path: String
    /// Whether each line is a JSON object with a text in it; by name: `.jsonl`, `.ndjson` or `.json`, also with `.gz`.
    let isJSONLines: Bool

    init(path: String) {
        self.path = path
        let name = path.lowercased()
        let stem = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        isJSONLines = [".jsonl", ".ndjson", ".json"].contains { stem.hasSuffix($0) }
    }

    /// The files that paths mean, in the order of the paths; those of a directory, however deep, sorted by path.
    ///
    /// In a directory hidden files are passed over, and so is what is no text; a path that was named must be text.
    /// - Parameter output: the directory of the shards: what an earlier `prepare` left there is no input.
    static func find(_ paths: [String], output: String) throws(CorpusError) -> (files: [InputFile], skipped: [String]) {
        var files: [InputFile] = []
        var skipped: [String] = []
        for path in paths {
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw .usage("there is no input \(path)")
            }
            guard isDirectory.boolValue else {
                let file = InputFile(path: path)
                if let problem = try file.problem() { throw .data("\(path) is \(problem.name): \(problem.remedy)") }
                files.append(file)
                continue
            }
            for file in try textFiles(inDirectory: path) where !DatasetFiles.contain(file.path, output: output) {
                if let problem = try file.problem() {
                    skipped.append("\(file.path) (\(problem.name))")
                } else {
                    files.append(file)
                }
            }
        }
        if files.isEmpty {
            let found = skipped.isEmpty ? "they are empty" : "only \(skipped.joined(separator: ", "))"
            throw .data("found no text in \(paths.joined(separator: ", ")): \(found)")
        }
        return (files, skipped)
    }

    /// What keeps the file from being text: its kind and a remedy.
    private func problem() throws(CorpusError) -> (name: String, remedy: String)? {
        // The file is read twice, so a pipe will not do.
        let resolved = (path as NSString).resolvingSymlinksInPath
        let attributes = try? FileManager.default.attributesOfItem(atPath: resolved)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else {
            return ("no regular file", "write the text to a file, it is read twice")
        }
        var stream = try TextStream(path: path)
        var start: [UInt8] = []
        _ = try stream.read(into: &start)
        if let foreign = ContentKind.foreign(start) { return foreign }
        if let offset = start.prefix(4096).firstIndex(of: 0) {
            return ("no text: byte \(offset) is NUL", "name text files only")
        }
        return nil
    }

    private static func textFiles(inDirectory directory: String) throws(CorpusError) -> [InputFile] {
        let names: [String]
        do {
            names = try FileManager.default.subpathsOfDirectory(atPath: directory)
        } catch {
            throw .usage("cannot read the directory \(directory): \(error.fileReason)")
        }
        return names.filter { name in
            let path = directory + "/" + name
            var isDirectory: ObjCBool = false
            let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
            return !isHidden && FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { InputFile(path: directory + "/" + $0) }
    }
}
