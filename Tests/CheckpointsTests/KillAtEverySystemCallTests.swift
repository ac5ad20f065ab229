import Checkpoints
import Foundation
import Testing

/// A process that saves a checkpoint and deletes an old one is killed just before each call by which it changes the disk.
/// What is left must always be a newest complete checkpoint that is whole, and nothing that the next save does not remove.
@Suite(.enabled(if: canInject, "needs strace, and the right to trace a process")) struct KillAtEverySystemCallTests {
    /// Every call that changes what a disk holds, or brings it there.
    private static let calls = ["mkdir", "openat", "write", "fsync", "close", "rename", "unlink", "rmdir"]

    @Test func theNewestCompleteCheckpointIsAlwaysWhole() throws {
        try withTemporaryDirectory { directory in
            let template = directory + "/template"
            for step in 1...2 { try #require(runs(probe, template, "\(step)")) }
            let out = directory + "/run"
            func layOut() throws {
                try? FileManager.default.removeItem(atPath: out)
                try FileManager.default.copyItem(atPath: template, toPath: out)
            }
            try layOut()
            let moments = try callsOfASave(out, step: 3, log: directory + "/log")
            #expect(moments.count > 60)
            var newest: [Int] = []
            for (call, number) in moments {
                try layOut()
                kill(before: call, number, out, step: 3)
                newest.append(try checkWhatIsLeft(out, "before \(call) \(number)"))
            }
            // The earlier one until the marker is there, then the new one.
            let old = newest.prefix { $0 == 2 }.count
            #expect(old > 40 && old < newest.count && newest.dropFirst(old).allSatisfy { $0 == 3 })
            print(
                "killed at \(newest.count) system calls of a save: before \(old) the earlier checkpoint is the newest")
        }
    }

    /// A run that was killed in its first save finds a whole checkpoint or none, and goes on by itself either way.
    @Test func aFirstSaveLeavesNothingInTheWay() throws {
        try withTemporaryDirectory { directory in
            let out = directory + "/run"
            var found: [Int] = []
            let moments = try callsOfASave(out, step: 1, log: directory + "/log")
            for (call, number) in moments {
                try? FileManager.default.removeItem(atPath: out)
                kill(before: call, number, out, step: 1)
                let recovery = try CheckpointStore(directory: out, keep: 2).newestUsable()
                #expect(recovery.skipped.isEmpty, "before \(call) \(number)")
                found.append(recovery.found?.state.step ?? 0)
                if let checkpoint = recovery.found { try Checkpoint.verify(checkpoint.path) }
                #expect(runs(probe, out, "2"), "before \(call) \(number)")
                #expect(try names(out).last == "step-00000002")
            }
            let none = found.prefix { $0 == 0 }.count
            #expect(none > 30 && none < found.count && found.dropFirst(none).allSatisfy { $0 == 1 })
        }
    }

    /// Saves once more, as far as before a call of the save.
    private func kill(before call: String, _ number: Int, _ out: String, step: Int) {
        let survived = runs(
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
            "inject=\(call):signal=KILL:when=\(number)", probe, out, "\(step)")
        #expect(!survived, "\(call) \(number) was not met again")
    }

    /// The calls of a save that is left alone, from the first that concerns `out`, in order: each with its number among
    /// those of its name.
    private func callsOfASave(_ out: String, step: Int, log: String) throws -> [(call: String, number: Int)] {
        try #require(
            runs(
                "strace", "-f", "-qq", "-o", log, "-e", "trace=" + Self.calls.joined(separator: ","), probe, out,
                "\(step)"))
        var counts: [String: Int] = [:]
        var found: [(call: String, number: Int)] = []
        for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
            // "1234  openat(AT_FDCWD, "/tmp/…", O_RDONLY) = 3"
            guard let call = line.firstMatch(of: /^[0-9]+ +([a-z]+)\(/)?.1 else { continue }
            counts[String(call), default: 0] += 1
            if !found.isEmpty || line.contains(out) { found.append((String(call), counts[String(call)]!)) }
        }
        return found
    }

    /// - Returns: the step of the newest complete checkpoint.
    private func checkWhatIsLeft(_ out: String, _ moment: String) throws -> Int {
        let store = try CheckpointStore(directory: out, keep: 2)
        let newest = try #require(try store.list().last, "\(moment)")
        let recovery = try store.newestUsable()
        #expect(recovery.found?.path == newest.path, "\(moment): \(recovery.skipped)")
        #expect(recovery.found?.state.step == newest.step && [2, 3].contains(newest.step), "\(moment)")
        // Complete ones are whole, all of them.
        for entry in try store.list() { #expect(throws: Never.self) { try Checkpoint.verify(entry.path) } }
        // The next save removes whatever was left.
        #expect(runs(probe, out, "4"), "\(moment)")
        #expect(try names(out) == ["step-0000000\(newest.step)", "step-00000004"], "\(moment)")
        #expect(try store.newestUsable().found?.state.step == 4)
        return newest.step
    }
}

/// The program lies beside that of the tests.
private let probe = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appending(path: "CheckpointsProbe").path()

/// Whether strace is there, and may trace.
private let canInject: Bool = runs("strace", "-o", "/dev/null", "true")
