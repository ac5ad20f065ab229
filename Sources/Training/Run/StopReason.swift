/// Why a run ends before its last step, with a checkpoint behind the step that it is at.
enum StopReason: Int, Sendable, CustomStringConvertible {
    case timeLimit = 1

    var description: String {
        switch self {
        case .timeLimit: "time limit reached"
        }
    }

    /// What the ranks send one another with a step's sums: 0 for a rank that goes on.
    static func flag(_ reason: StopReason?) -> Double { Double(reason?.rawValue ?? 0) }

    /// What all ranks do: the greatest of their flags.
    init?(flags: [Double]) { self.init(rawValue: Int(flags.max() ?? 0)) }
}
