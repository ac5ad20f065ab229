import Foundation
import Testing

/// A real Slurm of pretended nodes, gone with the object.
final class SlurmCluster {
    private let folder: Workspace
    private var environment: [String: String] { ["SLURM_CONF": folder("slurm/slurm.conf")] }

    /// - Parameter options: of `Launch/cluster/slurm-up`.
    init(_ options: String...) async throws {
        folder = try Workspace()
        try await Launch.alone.start(commandLine: ["Launch/cluster/slurm-up"] + options + [folder("slurm")])
            .end(within: .seconds(60)).expectSuccess()
    }

    deinit {
        let process = Process()
        process.executableURL = URL(filePath: Repository.root + "Launch/cluster/slurm-down")
        process.arguments = [folder("slurm")]
        if (try? process.run()) != nil { process.waitUntilExit() }
    }

    /// Runs a command that talks to this Slurm.
    func command(_ words: String...) async throws -> Outcome { try await command(words) }

    func command(_ words: [String], environment more: [String: String] = [:]) async throws -> Outcome {
        try await RunningProgram(
            words, environment: environment.merging(MPI.environment) { $1 }.merging(more) { $1 }
        )
        .end(within: .seconds(60))
    }

    /// Queues a training run by `Launch/slurm/submit`.
    /// - Parameter environment: of the job, besides that of the tests.
    /// - Returns: the jobs.
    func submit(
        _ options: [String], _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> [String] {
        let outcome = try await command(
            ["Launch/slurm/submit", "--program", Repository.program] + options + arguments, environment: environment)
        outcome.expectSuccess()
        return outcome.output.split(separator: "\n").map(String.init)
    }

    // MARK: - Jobs

    /// What Slurm says of a job, by its own names.
    func job(_ number: String) async throws -> [String: String] {
        let text = try await command("scontrol", "show", "job", "--oneliner", number).output
        return text.split(whereSeparator: \.isWhitespace).reduce(into: [:]) { fields, word in
            let parts = word.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
        }
    }

    /// Waits until Slurm says this of a job.
    @discardableResult
    func wait(
        for number: String, _ condition: ([String: String]) -> Bool, within limit: Duration = .seconds(120)
    ) async throws -> [String: String] {
        let end = ContinuousClock.now + limit
        while true {
            let found = try await job(number)
            if condition(found) { return found }
            if ContinuousClock.now > end { throw JobTookTooLong(job: found) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Waits until a job is over for good.
    func end(of number: String) async throws -> [String: String] {
        let over: Set = ["COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"]
        return try await wait(for: number) { over.contains($0["JobState"] ?? "") }
    }

    // MARK: - Nodes

    /// Ends all that runs on a node, as when its power fails, and lets Slurm know.
    func fail(_ node: String) async throws {
        let daemon = try String(contentsOfFile: folder("slurm/slurmd.\(node).pid"), encoding: .utf8)
        for process in ProcessTree.onHost(
            of: try #require(Int32(daemon.trimmingCharacters(in: .whitespacesAndNewlines))))
        {
            _ = Foundation.kill(process, SIGKILL)
        }
        try await command("scontrol", "update", "NodeName=\(node)", "State=DOWN", "Reason=test").expectSuccess()
    }

    /// Brings a failed node back; Slurm takes it as soon as it reports.
    func repair(_ node: String) async throws {
        try await command("Launch/cluster/slurm-node", folder("slurm"), node).expectSuccess()
    }

    static let isPossible: Bool = {
        let script = "command -v slurmctld slurmd munged sbatch && unshare --uts --mount true"
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "PATH=$PATH:/usr/sbin; [ $(id -u) = 0 ] && " + script]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}

struct JobTookTooLong: Error, CustomStringConvertible {
    let job: [String: String]
    var description: String {
        let log = job["StdOut"].flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } ?? "nothing"
        return "what was waited for did not come; Slurm says of the job: \(job), and the job: …\(log.suffix(1500))"
    }
}
