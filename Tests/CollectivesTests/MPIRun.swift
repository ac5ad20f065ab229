import Foundation
import Testing

/// Starts the probe, alone or under mpirun, and waits for it.
struct MPIRun {
    let exitCode: Int32
    let output: String
    let errors: String
    let seconds: Double

    static let mpirun = ["/usr/bin", "/usr/local/bin"]
        .map { $0 + "/mpirun" }.first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Both are products of one build, so the probe lies beside the program of the tests.
    static let probe = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("CollectivesProbe").path

    /// - Parameters:
    ///   - ranks: nil for one process without mpirun.
    ///   - wrapper: a command that gets the whole command line as its arguments.
    init(
        _ arguments: [String], ranks: Int?, nodes: String? = nil, environment: [String: String] = [:],
        wrapper: [String] = [], timeout: Double = 180
    ) throws {
        var command = wrapper
        if let ranks {
            let mpirun = try #require(Self.mpirun)
            command += [mpirun, "--oversubscribe", "--bind-to", "none", "-np", "\(ranks)"]
        }
        command += [Self.probe] + arguments
        var variables = ProcessInfo.processInfo.environment
        variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
        variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        variables["JREG_DEBUG_NODES"] = nodes
        variables.merge(environment) { $1 }

        // Files, not pipes: a full pipe would stop the ranks.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func file(_ name: String) throws -> (URL, FileHandle) {
            let url = folder.appendingPathComponent(name)
            try Data().write(to: url)
            return (url, try FileHandle(forWritingTo: url))
        }
        let (outputFile, outputHandle) = try file("out")
        let (errorFile, errorHandle) = try file("err")

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = variables
        process.standardOutput = outputHandle
        process.standardError = errorHandle
        let begin = Date()
        try process.run()
        while process.isRunning, -begin.timeIntervalSinceNow < timeout { usleep(10_000) }
        if process.isRunning {
            kill(process.processIdentifier, SIGTERM)
            Issue.record("\(command.joined(separator: " ")) did not end within \(timeout) s")
        }
        process.waitUntilExit()
        seconds = -begin.timeIntervalSinceNow
        exitCode = process.terminationStatus
        output = try String(contentsOf: outputFile, encoding: .utf8)
        errors = try String(contentsOf: errorFile, encoding: .utf8)
    }
}

/// How many ranks are placed on which pretended nodes.
struct Placement: CustomTestStringConvertible, Sendable {
    let ranks: Int
    let nodes: String?

    init(_ ranks: Int, _ nodes: String? = nil) {
        self.ranks = ranks
        self.nodes = nodes
    }

    var testDescription: String { "\(ranks) ranks" + (nodes.map { " on nodes \($0)" } ?? "") }
    var isPowerOfTwo: Bool { ranks.nonzeroBitCount == 1 }

    func run(_ command: String...) throws -> MPIRun { try MPIRun(command, ranks: ranks, nodes: nodes) }
}
