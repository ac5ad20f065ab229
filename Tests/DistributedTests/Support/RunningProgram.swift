import Foundation

/// A program that a test has started.
final class RunningProgram {
    private let process = Process()
    private let command: String
    private let files: Workspace
    private let started = ContinuousClock.now

    /// - Parameter environment: in addition to that of the tests.
    init(_ command: [String], environment: [String: String] = [:]) throws {
        self.command = command.joined(separator: " ")
        files = try Workspace()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = URL(filePath: Repository.root)
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // Files, not pipes: a full pipe would stop it.
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: files.write("", "output")))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: files.write("", "errors")))
        process.standardInput = FileHandle.nullDevice
        try Self.withoutBlockedSignals { try process.run() }
    }

    /// The threads of a test may have signals blocked, and a program inherits that from the one that starts it.
    private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    deinit { if process.isRunning { kill() } }

    var isRunning: Bool { process.isRunning }

    /// It and all that it has started.
    var processes: [Int32] { ProcessTree.members(of: process.processIdentifier) }

    /// What it has said on stderr so far.
    var errors: String { (try? text("errors")) ?? "" }

    /// SIGKILL for it and for all that it has started.
    func kill() {
        for process in processes { _ = Foundation.kill(process, SIGKILL) }
    }

    /// Waits for the end.
    /// - Throws: `TookTooLong`, after everything was killed.
    func end(within limit: Duration) async throws -> Outcome {
        while process.isRunning {
            if ContinuousClock.now - started > limit {
                kill()
                throw TookTooLong(command: command, limit: limit, errors: try text("errors"))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        process.waitUntilExit()
        return Outcome(
            command: command, exitCode: process.terminationStatus, output: try text("output"),
            errors: try text("errors"), seconds: (ContinuousClock.now - started) / .seconds(1))
    }

    /// Waits until `condition` holds.
    /// - Throws: `EndedTooSoon` if the program ends before, `TookTooLong` if neither happens.
    func wait(within limit: Duration = .seconds(60), until condition: () throws -> Bool) async throws {
        while try !condition() {
            guard process.isRunning else { throw EndedTooSoon(command: command, errors: try text("errors")) }
            if ContinuousClock.now - started > limit {
                kill()
                throw TookTooLong(command: command, limit: limit, errors: try text("errors"))
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: files(name))), as: UTF8.self)
    }
}

struct TookTooLong: Error, CustomStringConvertible {
    let command: String
    let limit: Duration
    let errors: String
    var description: String { "`\(command)` was killed: it had not ended after \(limit). It said:\n\(errors)" }
}

struct EndedTooSoon: Error, CustomStringConvertible {
    let command: String
    let errors: String
    var description: String { "`\(command)` ended before what was waited for. It said:\n\(errors)" }
}
