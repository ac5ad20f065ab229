import Foundation
import Logging

/// Log lines on stderr, each with the time; those of other ranks than 0 with rank and host, and only from a warning up.
public struct RankLog: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    private let origin: String

    /// The logger of this process.
    public static func logger(rank: Int, host: String) -> Logger {
        Logger(label: "jreg-dist") { _ in RankLog(rank: rank, host: host) }
    }

    private init(rank: Int, host: String) {
        logLevel = rank == 0 ? .info : .warning
        origin = rank == 0 ? "" : "rank \(rank) on \(host): "
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let severity =
            switch event.level {
            case .warning: "warning: "
            case .error, .critical: "error: "
            default: ""
            }
        writeToStandardError("\(Self.time()) \(origin)\(severity)\(event.message)\n")
    }

    private static func time() -> String {
        Date().formatted(.iso8601.time(includingFractionalSeconds: false).timeSeparator(.colon))
    }
}

/// In one piece, so that the lines of several ranks do not mix.
func writeToStandardError(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
}
