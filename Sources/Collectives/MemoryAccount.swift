import Foundation

/// The kernel's own account of the memory of this process, in bytes.
public struct MemoryAccount: Sendable, Equatable {
    /// Memory in use, with what processes share counted in each of them.
    public var resident: Int
    /// Memory in use, with what processes share divided among them: adds up to the truth over a node.
    public var proportional: Int

    public init(resident: Int, proportional: Int) {
        self.resident = resident
        self.proportional = proportional
    }

    /// - Throws: `CollectiveError.memoryAccount` where the kernel gives none (before Linux 4.14).
    public static func ofThisProcess() throws -> MemoryAccount {
        guard let text = try? String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8) else {
            throw CollectiveError.memoryAccount("cannot be read; Linux 4.14 or later has it")
        }
        return try MemoryAccount(smapsRollup: text)
    }

    /// Reads the text of `smaps_rollup` (proc(5)).
    public init(smapsRollup text: String) throws {
        func bytes(_ key: String) throws -> Int {
            for line in text.split(separator: "\n") where line.hasPrefix(key) {
                let words = line.dropFirst(key.count).split(separator: " ")
                if words.count == 2, words[1] == "kB", let value = Int(words[0]) { return value * 1024 }
            }
            throw CollectiveError.memoryAccount("no line like `\(key) 123 kB`")
        }
        resident = try bytes("Rss:")
        proportional = try bytes("Pss:")
    }

    /// The sum over the ranks of this rank's node. Collective over the world.
    public static func ofThisNode(_ communicator: any Communicator) throws -> MemoryAccount {
        let mine = try communicator.together { try ofThisProcess() }
        let all = try communicator.allGather([Double(mine.resident), Double(mine.proportional)])
        let node = all[communicator.topology.ranks(ofNode: communicator.topology.nodeIndex)]
        return MemoryAccount(
            resident: node.reduce(0) { $0 + Int($1[0]) }, proportional: node.reduce(0) { $0 + Int($1[1]) })
    }
}
