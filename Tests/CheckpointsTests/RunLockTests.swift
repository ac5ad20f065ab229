import Checkpoints
import Foundation
import Testing

@Suite struct RunLockTests {
    @Test func aSecondRunIsRefusedAndToldOfTheFirst() throws {
        try withTemporaryDirectory { directory in
            let out = directory + "/made/on/demand"
            let first = try RunLock(directory: out)
            #expect(first.warning == nil)
            let refusal = failure { _ = try RunLock(directory: out) }
            #expect(refusal?.kind == .inUse)
            let account =
                "process \(ProcessInfo.processInfo.processIdentifier) on \(ProcessInfo.processInfo.hostName), since 20"
            for part in [out, account, "name another --out"] {
                #expect(refusal?.description.contains(part) == true, "\(refusal?.description ?? "not refused")")
            }
            withExtendedLifetime(first) {}
        }
    }

    @Test func itLeavesNothingBehind() throws {
        try withTemporaryDirectory { directory in
            for _ in 0..<2 { withExtendedLifetime(try RunLock(directory: directory)) {} }
            #expect(try names(directory) == [])
        }
    }

    /// A run that was killed leaves its file, but the kernel has released the lock.
    @Test func theFileOfADeadRunKeepsNobodyOut() throws {
        try withTemporaryDirectory { directory in
            try write("process 1 on a host that burned down, since 1970-01-01T00:00:00Z", to: directory + "/run.lock")
            let lock = try RunLock(directory: directory)
            let refusal = failure { _ = try RunLock(directory: directory) }
            #expect(refusal?.description.contains("burned down") == false)
            withExtendedLifetime(lock) {}
        }
    }

    /// Whoever opens the file just before its holder removes it must not believe that he holds the directory.
    @Test func manyTakeItInTurn() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "jreg-lock-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let inside = Counter()
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var taken = 0
                    for _ in 0..<500 {
                        guard let lock = try? RunLock(directory: directory) else { continue }
                        if inside.add(1) == 1 { taken += 1 }
                        _ = inside.add(-1)
                        withExtendedLifetime(lock) {}
                    }
                    return taken
                }
            }
            return await group.reduce(0, +)
        }
        #expect(inside.most == 1, "\(inside.most) held it at once")
        #expect(taken > 0)
    }

    private final class Counter: @unchecked Sendable {
        private let lock = NSLock()
        private var count = 0
        private(set) var most = 0

        func add(_ number: Int) -> Int {
            lock.withLock {
                count += number
                most = max(most, count)
                return count
            }
        }
    }

    @Test func aPlaceThatCannotBeADirectoryIsNamed() throws {
        try withTemporaryDirectory { directory in
            try write("mine", to: directory + "/file")
            let refusal = failure { _ = try RunLock(directory: directory + "/file/run") }
            #expect(refusal?.kind == .fileSystem && refusal?.description.contains("/file/run") == true)
        }
    }
}
