import FileSafety

/// What went wrong between text and tokens, with the file it happened in, what was found and what to do.
public struct CorpusError: Error, CustomStringConvertible, Sendable {
    /// Whose fault it is, for the exit code.
    public enum Kind: Sendable {
        /// An option or a path that cannot be meant.
        case usage
        /// A file whose content is not what it has to be.
        case data
        /// The operating system refused (no permission, no space).
        case system
    }

    public let kind: Kind
    public let description: String

    private init(kind: Kind, description: String) {
        self.kind = kind
        self.description = description.plain
    }

    static func usage(_ description: String) -> CorpusError { CorpusError(kind: .usage, description: description) }
    static func data(_ description: String) -> CorpusError { CorpusError(kind: .data, description: description) }
    static func system(_ description: String) -> CorpusError { CorpusError(kind: .system, description: description) }
}
