import Foundation
import Testing

/// Hosts that `Launch/cluster/hosts-up` makes of network name spaces: with names of their own, talking over TCP.
struct NetworkHosts {
    /// Tests of other checkouts may run on the same machine.
    private let prefix = "t\(ProcessInfo.processInfo.processIdentifier)n"
    let count: Int

    private static let scripts = Repository.root + "Launch/cluster/"

    init(_ count: Int) throws {
        self.count = count
        let outcome = try Self.run(["hosts-up", "--hosts", "\(count)", "--prefix", prefix])
        guard outcome.code == 0 else { throw HostsError(description: outcome.errors) }
    }

    func takeDown() throws { _ = try Self.run(["hosts-down", "--prefix", prefix]) }

    /// The name of host `number`, from 1.
    func name(_ number: Int) -> String { prefix + "\(number)" }

    /// The command line that starts one rank of `program` on each, from the first.
    func mpirun(ranksPerHost: Int, _ program: [String]) -> [String] {
        let hosts = (1...count).map { "\(name($0)):\(ranksPerHost)" }.joined(separator: ",")
        return shell(1) + MPI.mpirun + ["--host", hosts, "-np", "\(count * ranksPerHost)"] + Self.ways + program
    }

    /// The same by `Launch/run`, to which the hosts are names alone.
    func launchRun(ranksPerHost: Int, _ program: [String]) -> [String] {
        let hosts = (1...count).map(name).joined(separator: ",")
        return shell(1) + ["Launch/run", "-n", "\(count * ranksPerHost)", "--host", hosts, "--program", program[0]]
            + Self.ways.flatMap { ["--mpirun", $0] } + program.dropFirst()
    }

    private func shell(_ number: Int) -> [String] { [Self.scripts + "host-shell", name(number)] }

    /// How mpirun reaches other hosts.
    private static let ways =
        ["--mca", "plm_rsh_agent", scripts + "host-shell", "--mca", "btl", "tcp,vader,self"]
        + ["btl_tcp_if_include", "oob_tcp_if_include"].flatMap { ["--mca", $0, "10.77.0.0/24"] }

    /// Plugs the cable of a host in, or out.
    func setLink(of number: Int, up: Bool) throws {
        _ = try Self.run(["host-shell", name(number), "ip", "link", "set", "eth0", up ? "up" : "down"])
    }

    /// The processes on all hosts that are not of the machine.
    var processes: [Int32] {
        (1...count).flatMap { number in
            let output = (try? Self.command(["ip", "netns", "pids", name(number)]).output) ?? ""
            return output.split(separator: "\n").compactMap { Int32($0) }
        }
    }

    static let areAllowed: Bool = {
        guard geteuid() == 0, let hosts = try? NetworkHosts(1) else { return false }
        return (try? hosts.takeDown()) != nil
    }()

    private static func run(_ words: [String]) throws -> (code: Int32, output: String, errors: String) {
        try command([scripts + words[0]] + words.dropFirst())
    }

    private static func command(_ words: [String]) throws -> (code: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // What these say fits into a pipe.
        process.waitUntilExit()
        func text(_ pipe: Pipe) -> String {
            String(decoding: (try? pipe.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
        }
        return (process.terminationStatus, text(output), text(errors))
    }
}

struct HostsError: Error, CustomStringConvertible {
    let description: String
}
