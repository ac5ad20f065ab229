import Foundation

/// The processes that a process has started, from proc(5).
enum ProcessTree {
    /// `root` and all that descend from it.
    static func members(of root: Int32) -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let process = Int32(entry), let parent = parent(of: process) else { continue }
            children[parent, default: []].append(process)
        }
        var found = [root]
        var next = 0
        while next < found.count {
            found += children[found[next], default: []]
            next += 1
        }
        return found
    }

    /// Those of `processes` that run the program at `path`. One that is dead runs none, whether or not its parent has
    /// noticed: process 1 of a container may never do.
    static func running(_ path: String, among processes: [Int32]) -> [Int32] {
        processes.filter { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/exe")) == path }
    }

    /// Those of `processes` that run the program at `path`, by the rank that mpirun gave them.
    static func ranks(_ path: String, among processes: [Int32]) -> [Int: Int32] {
        running(path, among: processes).reduce(into: [:]) { ranks, process in
            let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ") ?? Data()
            let variables = String(decoding: environment, as: UTF8.self).split(separator: "\0")
            let rank = variables.first { $0.hasPrefix("OMPI_COMM_WORLD_RANK=") }?.split(separator: "=").last
            if let rank = rank.flatMap({ Int($0) }) { ranks[rank] = process }
        }
    }

    /// The processes that run the program at `path` with an argument that contains `text`, whoever started them.
    static func running(_ path: String, on text: String) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return running(path, among: all.compactMap { Int32($0) }).filter { process in
            let arguments = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return String(decoding: arguments, as: UTF8.self).contains(text)
        }
    }

    /// The cores that this process may use, by the kernel's numbers.
    static let cores: [Int] = {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let list = status.firstMatch(of: /Cpus_allowed_list:\s*([0-9,-]+)/)?.1 ?? ""
        return list.split(separator: ",").flatMap { range in
            let ends = range.split(separator: "-").compactMap { Int($0) }
            return Array(ends[0]...ends[ends.count - 1])
        }
    }()

    /// What the kernel calls a process.
    static func name(of process: Int32) -> String {
        let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? "gone"
        return "\(process) \(name.trimmingCharacters(in: .whitespacesAndNewlines))"
    }

    /// All processes that see the host name that `process` sees: those of a pretended node. None if it is that of the machine:
    /// then `process` is gone, and its number another's.
    static func onHost(of process: Int32) -> [Int32] {
        func name(_ process: Int32) -> String? {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/uts")
        }
        guard let wanted = name(process), wanted != name(getpid()) else { return [] }
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { Int32($0) }.filter { name($0) == wanted }
    }

    /// Waits until none of `processes` runs the program at `path` any more.
    /// - Returns: false if some still do after `limit`.
    static func haveEnded(_ processes: [Int32], running path: String, within limit: Duration) async throws -> Bool {
        let begin = ContinuousClock.now
        while !running(path, among: processes).isEmpty {
            if ContinuousClock.now - begin > limit { return false }
            try await Task.sleep(for: .milliseconds(5))
        }
        return true
    }

    /// What the kernel says of the memory of a process, with shared pages divided among those who share them, in bytes.
    static func proportionalMemory(of process: Int32) -> Int? {
        let account = try? String(contentsOfFile: "/proc/\(process)/smaps_rollup", encoding: .utf8)
        let line = account?.split(separator: "\n").first { $0.hasPrefix("Pss:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    private static func parent(of process: Int32) -> Int32? {
        // "pid (name) state parent ...", where the name may hold anything.
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = status.lastIndex(of: ")")
        else { return nil }
        return status[end...].split(separator: " ").dropFirst(2).first.flatMap { Int32($0) }
    }
}
