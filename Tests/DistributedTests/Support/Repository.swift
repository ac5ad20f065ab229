import Foundation

/// Where things lie. Every program of the tests runs in the root of the repository, so paths may begin there.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path()

    static let fixtures = root + "Tests/Fixtures/"

    /// Token ids below 101.
    static let shard = "Tests/Fixtures/trace/train.bin"

    /// `jreg-dist` as it was built together with these tests.
    static let program: String = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "jreg-dist").path()
    }()
}
