import Glibc

/// Why a run ends before its last step, with a checkpoint after the step that it is at.
enum StopReason: Int, CaseIterable, Sendable, CustomStringConvertible {
    case timeLimit = 1
    case endOfJob
    case userSignal
    case termination
    case interrupt

    /// - Parameter signal: its number, or 0 for none.
    init?(signal: Int32) {
        switch signal {
        case SIGUSR1: self = .userSignal
        case SIGTERM: self = .termination
        case SIGINT: self = .interrupt
        default: return nil
        }
    }

    var description: String {
        switch self {
        case .timeLimit: "run.time_limit reached"
        case .endOfJob: "the Slurm job is about to end: stopped"
        case .userSignal: "stopped by SIGUSR1"
        case .termination: "stopped by SIGTERM"
        case .interrupt: "stopped by SIGINT"
        }
    }

    /// What the ranks send one another with a step's sums: 0 for a rank that goes on.
    static func flag(_ reason: StopReason?) -> Double { Double(reason?.rawValue ?? 0) }

    /// What all ranks do: the greatest of their flags.
    init?(flags: [Double]) { self.init(rawValue: Int(flags.max() ?? 0)) }
}
