/// All that is wrong with a configuration, at once; the program ends with `exitCode`.
public struct ConfigErrors: Error, CustomStringConvertible, Equatable {
    /// At least one, in the order of the file and then of the overrides.
    public let problems: [ConfigProblem]
    /// The code of sysexits.h for wrong usage.
    public let exitCode: Int32 = 64

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// One fault: where it is, and a message that names the key, what was found, what was wanted and a likely fix.
public struct ConfigProblem: Sendable, Equatable, CustomStringConvertible {
    public let location: ConfigLocation
    public let message: String

    public var description: String { "\(location): \(message)" }
}

/// Where a value of the configuration comes from. Ordered as a reader goes through them.
public enum ConfigLocation: Sendable, Equatable, CustomStringConvertible {
    /// A place in a file, lines and columns counted from 1.
    case file(String, line: Int, column: Int)
    /// A file as a whole: it cannot be read at all.
    case wholeFile(String)
    /// The `index`-th `--set` of the command line, counted from 0.
    case override(index: Int)
    /// Given nowhere: the default.
    case builtIn

    public var description: String {
        switch self {
        case .file(let name, let line, let column): "\(name):\(line):\(column)"
        case .wholeFile(let name): name
        case .override: "--set"
        case .builtIn: "default"
        }
    }

    var order: (Int, Int, Int) {
        switch self {
        case .wholeFile: (0, 0, 0)
        case .file(_, let line, let column): (1, line, column)
        case .override(let index): (2, index, 0)
        case .builtIn: (3, 0, 0)
        }
    }
}
