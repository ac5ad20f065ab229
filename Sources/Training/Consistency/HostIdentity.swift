import Checkpoints
import Collectives
import Foundation

/// What a rank is made of: where ranks differ in it, their numbers may too, and copies of the weights would drift apart.
package struct HostIdentity: Codable, Equatable {
    package var host: String
    /// XXH3 of the program's file.
    package var program: String
    package var path: String
    package var version: String
    package var instructionSet: String
    package var arguments: [String]
    /// MPI's name and version.
    package var library: String
    /// The C library, whose exponentials and powers are the machine's.
    package var libc: String
    package var cpu: String

    /// That of this rank.
    package init(_ communicator: any Communicator) throws {
        host = communicator.topology.hostName
        program = try FileDigest(ofFile: "/proc/self/exe").xxh3
        path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "?"
        version = Version.jregDist
        instructionSet = Version.instructionSet
        arguments = Array(CommandLine.arguments.dropFirst())
        library = communicator.library
        libc = Version.libc
        cpu = Self.cpu
    }

    private static var cpu: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }

    private var programText: String {
        "jreg-dist \(version) for \(instructionSet) (\(path), hash \(program.prefix(8)))"
    }

    // MARK: - Among all ranks

    /// Compares all ranks with rank 0. Collective.
    /// - Returns: on rank 0, what is worth knowing, but keeps nobody from going on.
    /// - Throws: `TrainingError` on rank 0 where another runs another program or was given another command.
    static func compare(_ communicator: any Communicator) throws -> [String] {
        guard communicator.worldSize > 1 else { return [] }
        let own = try communicator.together { try HostIdentity(communicator) }
        let texts = try communicator.gatherTexts(String(decoding: JSONEncoder().encode(own), as: UTF8.self))
        return try communicator.together {
            guard communicator.rank == 0 else { return [] }
            let all = try texts.map { try JSONDecoder().decode(HostIdentity.self, from: Data($0.utf8)) }
            if let problem = problem(all) { throw TrainingError(.usage, problem) }
            return notes(all)
        }
    }

    /// Why these cannot work together, or nil.
    package static func problem(_ all: [HostIdentity]) -> String? {
        let hosts = all.map(\.host)
        let others = all.indices.filter { all[$0].program != all[0].program }
        if let first = others.first {
            return "the ranks do not run the same program: rank 0 on \(hosts[0]) runs \(all[0].programText), but "
                + "\(rankList(others, hosts: hosts)) \(all[first].programText). Their numbers would differ, and with them "
                + "the copies of the weights: install one build on all hosts, for the oldest CPU among them (Launch/build "
                + "--cpu \(commonInstructionSet(all)) --install PREFIX)"
        }
        let told = all.indices.filter { all[$0].arguments != all[0].arguments }
        if let first = told.first {
            return "the ranks were given different commands: rank 0 on \(hosts[0]) \"\(all[0].command)\", but "
                + "\(rankList(told, hosts: hosts)) \"\(all[first].command)\". Start all with the same"
        }
        return nil
    }

    /// What is worth knowing of ranks that can work together.
    package static func notes(_ all: [HostIdentity]) -> [String] {
        let hosts = all.map(\.host)
        func note(_ name: String, _ value: KeyPath<HostIdentity, String>, _ so: String) -> String? {
            let others = all.indices.filter { all[$0][keyPath: value] != all[0][keyPath: value] }
            guard let first = others.first else { return nil }
            return "\(rankList(others, hosts: hosts)) \(others.count == 1 ? "has" : "have") \(name) "
                + "\(all[first][keyPath: value]), rank 0 on \(hosts[0]) has \(all[0][keyPath: value]): \(so)"
        }
        return [
            note("the C library", \.libc, "the results may differ from those of equal hosts in the last bits"),
            note("the MPI library", \.library, "they may not understand one another"),
            note("the CPU", \.cpu, "the slowest decides the pace"),
        ].compactMap(\.self)
    }

    private var command: String { arguments.joined(separator: " ") }

    private static func commonInstructionSet(_ all: [HostIdentity]) -> String {
        all.allSatisfy { $0.instructionSet == "x86-64-v4" } ? "x86-64-v4" : "x86-64-v3"
    }
}
