import Foundation

/// The checkpoints in the output directory of a run, oldest first.
func checkpoints(_ directory: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        .filter { $0.wholeMatch(of: /step-[0-9]{8,}/) != nil }.map { directory + "/" + $0 }
}

func newestCheckpoint(_ directory: String) throws -> String {
    guard let newest = try checkpoints(directory).last else { throw NoCheckpoint(directory: directory) }
    return newest
}

struct NoCheckpoint: Error, CustomStringConvertible {
    let directory: String
    var description: String { "\(directory) holds no checkpoint" }
}

/// Every file below a directory, by its path in it: what must not have changed.
func contents(_ directory: String) throws -> [String: Data] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: directory)
    return try names.reduce(into: [:]) { files, name in
        var isDirectory: ObjCBool = false
        let path = directory + "/" + name
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        if !isDirectory.boolValue { files[name] = try Data(contentsOf: URL(filePath: path)) }
    }
}
