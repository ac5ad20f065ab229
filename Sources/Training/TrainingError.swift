import Checkpoints
import Collectives
import Corpus

/// An error of the trainer itself: what was found, what was wanted, what to do.
public struct TrainingError: Error, CustomStringConvertible, Sendable {
    public let status: ExitStatus
    public let description: String
    /// Whether every rank meets it alike, so that one of them is enough to print it.
    let isTheSameOnEveryRank: Bool

    init(_ status: ExitStatus, _ description: String, isTheSameOnEveryRank: Bool = false) {
        self.status = status
        self.description = description
        self.isTheSameOnEveryRank = isTheSameOnEveryRank
    }
}

/// How the program ends, in the codes of sysexits.h.
public enum ExitStatus: Int32, Sendable {
    case done = 0
    /// The command line or the configuration cannot be meant. Trying again is no use.
    case usage = 64
    /// A file is missing, damaged or of another kind, or what is trained came to numbers that are none. Trying again is
    /// no use.
    case data = 65
    /// The system refused (memory, disk, network), or the program is at fault.
    case `internal` = 70
    /// Stopped early with a checkpoint written: resume me.
    case stoppedEarly = 75

    /// The status that belongs to an error.
    public init(_ error: any Error) {
        switch error {
        case let error as TrainingError: self = error.status
        case is ConfigErrors: self = .usage
        case let error as CorpusError: self = error.kind == .usage ? .usage : error.kind == .data ? .data : .internal
        case let error as CheckpointError:
            switch error.kind {
            case .damaged, .unsupported: self = .data
            case .misuse: self = .usage
            // Of a process that is being killed, the next start finds nothing any more.
            case .diskFull, .fileSystem, .inUse: self = .internal
            }
        case let error as CollectiveError:
            switch error {
            case .lanesNotAPowerOfTwo, .tooManyRanks, .launch, .debugNodes: self = .usage
            default: self = .internal
            }
        default: self = .internal
        }
    }
}
