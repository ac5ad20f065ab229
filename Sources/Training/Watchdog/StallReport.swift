import Foundation

/// What is said of a job that is ended because it stood still.
package struct StallReport {
    private let stall: Stall
    private let hosts: [String]
    private let limit: Duration
    private let isConfigured: Bool
    private let states: [Int: Character]

    /// - Parameters:
    ///   - hosts: by rank.
    ///   - isConfigured: whether the limit is that of `run.stall_timeout`, which not every command has.
    ///   - states: what the kernel says of the processes of ranks on this node, as in proc(5).
    package init(stall: Stall, hosts: [String], limit: Duration, isConfigured: Bool, states: [Int: Character]) {
        (self.stall, self.hosts, self.limit, self.isConfigured, self.states) =
            (stall, hosts, limit, isConfigured, states)
    }

    package var text: String {
        let held = hosts.count - stall.ranks.count
        let origin = isConfigured ? ", the limit of run.stall_timeout" : ""
        var lines = ["no progress for \(duration(limit.seconds))\(origin); the job is ended"]
        lines += stall.ranks.map(line)
        if held > 0 && stall.cause != .deadlock {
            lines.append("\(held == 1 ? "the other rank waits" : "the other \(held) ranks wait") for that")
        }
        lines.append(advice)
        return lines.joined(separator: "\n  ")
    }

    private func line(_ rank: Watch.Observation) -> String {
        let stage = Stage(rawValue: rank.signs.stage)?.description ?? "in stage \(rank.signs.stage)"
        let step = rank.signs.step > 0 ? ", step \(rank.signs.step)" : ""
        let time = rank.lastBeat.formatted(.iso8601.time(includingFractionalSeconds: false).timeSeparator(.colon))
        let who = "rank \(rank.rank) on \(hosts[rank.rank])"
        let process = "process \(rank.signs.process)"
        switch stall.cause {
        case .stopped: return "\(who) is \(stage)\(step), since \(time): its \(process) \(condition(rank))"
        case .unheard: return "nothing is heard of \(who) since \(time); it was \(stage)\(step), \(process)"
        case .late: return "\(who) is \(stage)\(step), since \(time): its \(process) runs, but makes no progress"
        case .deadlock: return "\(who) waits for others since \(time), \(stage)\(step)"
        }
    }

    private func condition(_ rank: Watch.Observation) -> String {
        switch states[rank.rank] {
        case "T", "t": "is stopped (SIGSTOP, or a debugger)"
        case "D": "hangs in the kernel, on a disk or a network file system that does not answer"
        case nil: "is gone"
        default: "does not run"
        }
    }

    private var advice: String {
        let resume =
            isConfigured
            ? "What was saved is whole: start the same command again to go on from the newest checkpoint"
            : "Start the same command again"
        switch stall.cause {
        case .stopped: return resume
        case .unheard:
            let lost = Set(stall.ranks.map { hosts[$0.rank] }).sorted().joined(separator: ", ")
            return "Is \(lost) up, and its network? " + resume
        case .late:
            return "A disk or file system that does not answer is the usual reason (look at the host with `top`, and "
                + "with `dmesg`). " + (isConfigured ? "If it was only slow, raise run.stall_timeout. " : "") + resume
        case .deadlock:
            return "A message between them was lost, by the network or by MPI. " + resume
        }
    }
}
