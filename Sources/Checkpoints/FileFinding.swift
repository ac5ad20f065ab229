/// What a check says of one file.
public struct FileFinding: Sendable, Equatable, Encodable {
    public let path: String
    /// Size in bytes; nil where there is no such file.
    public let bytes: Int?
    /// What is wrong; nil where nothing is.
    public let problem: String?

    public init(path: String, bytes: Int?, problem: String?) {
        self.path = path
        self.bytes = bytes
        self.problem = problem
    }

    /// The file at `path`, wrong if `check` throws or names a problem.
    public init(checking path: String, _ check: () throws -> String?) {
        var problem: String?
        do { problem = try check() } catch { problem = "\(error)" }
        self.init(path: path, bytes: try? InputFile(path).size, problem: problem)
    }
}
