import Foundation
import FuzzReaders
import Testing

/// Files from strangers: whatever is in them, each reader takes them or says what is wrong, within bounded time and memory.
///
/// Each kind is damaged a fixed number of times, always in the same ways; `Launch/fuzz` looks further. What it has found lies
/// in `Tests/Fixtures/fuzz` and is read again here.
struct FuzzTests {
    /// Enough for each to take about a second.
    private static func rounds(_ kind: FileKind) -> Int {
        switch kind {
        case .checksums: 200
        case .safetensors, .text, .jsonl, .yaml, .index: 500
        default: 1500
        }
    }

    @Test(arguments: FileKind.allCases)
    func damagedFilesAreReadOrRefused(kind: FileKind) async throws {
        let output = try await probe("mutate", kind, "1", "\(Self.rounds(kind))")
        let counts = try #require(output.wholeMatch(of: /([0-9]+) accepted, ([0-9]+) refused\n/), "\(output)")
        // The damage must reach what is behind the first check, and must be noticed.
        let (accepted, refused) = (Int(counts.1) ?? 0, Int(counts.2) ?? 0)
        #expect(refused > Self.rounds(kind) / 10 || kind == .text)
        #expect(accepted > 0 || kind == .lock, "\(accepted) accepted")
    }

    @Test(arguments: FileKind.allCases)
    func whatWasFoundStaysMended(kind: FileKind) async throws {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/fuzz/\(kind.rawValue)").path()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        if names.isEmpty { return }
        _ = try await probe("replay", kind, arguments: names.sorted().map { directory + "/" + $0 })
    }

    private func probe(_ command: String, _ kind: FileKind, _ arguments: String...) async throws -> String {
        try await probe(command, kind, arguments: arguments)
    }

    /// Runs `FuzzProbe` to its end.
    /// - Returns: what it printed.
    private func probe(_ command: String, _ kind: FileKind, arguments: [String]) async throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let directory = FileManager.default.temporaryDirectory.appending(path: "jreg-fuzz-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }

        let process = Process()
        process.executableURL = URL(filePath: tests).deletingLastPathComponent().appending(path: "FuzzProbe")
        process.arguments = [command, kind.rawValue] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["FUZZ_DIRECTORY": directory]) { $1 }
        let (output, errors) = (directory + "/stdout", directory + "/stderr")
        for (path, stream) in [(output, \Process.standardOutput), (errors, \Process.standardError)] {
            try Data().write(to: URL(filePath: path))
            process[keyPath: stream] = try FileHandle(forWritingTo: URL(filePath: path))
        }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        if process.terminationStatus != 0 || process.terminationReason != .exit {
            let kept = FileManager.default.temporaryDirectory.appending(path: "jreg-fuzz-\(kind.rawValue)-crash").path()
            try? FileManager.default.removeItem(atPath: kept)
            try FileManager.default.copyItem(atPath: directory + "/input", toPath: kept)
            let said = try String(decoding: Data(contentsOf: URL(filePath: errors)), as: UTF8.self)
            Issue.record("reading \(kept) ended with \(process.terminationStatus): …\(said.suffix(1500))")
        }
        return try String(decoding: Data(contentsOf: URL(filePath: output)), as: UTF8.self)
    }
}
