import Foundation

/// A directory of one test, gone with it.
final class Workspace: Sendable {
    /// Without a slash at the end.
    let path: String

    init() throws {
        let name = "jreg-dist-test-" + UUID().uuidString.prefix(8)
        path = FileManager.default.temporaryDirectory.appending(path: name).path()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of something in it.
    func callAsFunction(_ name: String) -> String { path + "/" + name }

    /// Writes a file, with the directories that it is to lie in.
    /// - Returns: its path.
    @discardableResult
    func write(_ content: some DataProtocol, _ name: String) throws -> String {
        let file = URL(filePath: self(name))
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: file)
        return self(name)
    }

    @discardableResult
    func write(_ text: String, _ name: String) throws -> String { try write(Array(text.utf8), name) }

    /// The names in it, or in a directory of it, sorted; none where there is no such directory.
    func names(_ directory: String = "") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: self(directory))) ?? []).sorted()
    }
}
