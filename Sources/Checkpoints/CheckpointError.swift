import FileSafety
import Glibc

/// What went wrong with a file of a checkpoint or a model directory: which file, what was found, what was wanted, what helps.
public struct CheckpointError: Error, CustomStringConvertible, Sendable {
    /// What a caller may want to treat differently.
    public enum Kind: Sendable {
        /// The content is not what its format or its checksum says: it was cut short or changed.
        case damaged
        /// The content is sound, but is not what this program (or the model at hand) can use.
        case unsupported
        /// The file system has no room (or the user no quota) for what was to be written.
        case diskFull
        /// The operating system refused for another reason.
        case fileSystem
        /// Another process has what is wanted, and may be about to end.
        case inUse
        /// The caller asked for something impossible.
        case misuse
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description.plain
    }

    /// One error that lists up to eight of `problems` and counts the rest.
    init(_ kind: Kind, _ title: String, listing problems: [String]) {
        let shown = problems.prefix(8).map { "\n  - " + $0 }.joined()
        let hidden = problems.count - min(problems.count, 8)
        self.init(kind, title + ":" + shown + (hidden > 0 ? "\n  - and \(hidden) more" : ""))
    }

    /// A system call that failed with `code` while it was to `operation` the file `path`.
    static func system(_ code: Int32, _ operation: String, _ path: String) -> CheckpointError {
        let hint =
            switch code {
            case EACCES, EPERM, EROFS: "; check that this user may write there, or choose another directory"
            case ENOENT: "; check the path"
            case EMFILE, ENFILE: "; raise the limit of open files (ulimit -n)"
            case EIO: "; the storage reports a fault: see the kernel's log"
            default: ""
            }
        return CheckpointError(
            code == ENOSPC || code == EDQUOT ? .diskFull : .fileSystem,
            "cannot \(operation) \(path): \(String(cString: strerror(code)))\(hint)")
    }
}

/// `bytes` as a person reads it, with the exact number where rounding hides it.
func byteText(_ bytes: Int) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"]
    guard bytes >= 1000 else { return "\(bytes) bytes" }
    var value = Double(bytes) / 1000
    var unit = 0
    while value >= 1000, unit + 1 < units.count {
        value /= 1000
        unit += 1
    }
    return "\((value * 10).rounded() / 10) \(units[unit]) (\(bytes) bytes)"
}
