import Foundation
import Testing

/// How `jreg-dist` is started.
struct Launch: Sendable, CustomTestStringConvertible {
    /// Nil: without mpirun.
    var ranks: Int?
    /// `JREG_DEBUG_NODES`: how the ranks are spread over pretended nodes.
    var nodes: String?
    /// More of the environment.
    var environment: [String: String] = [:]
    /// A command that runs its arguments as a command, around the whole.
    var wrapper: [String] = []

    static let alone = Launch()
    static func ranks(_ ranks: Int, nodes: String? = nil) -> Launch { Launch(ranks: ranks, nodes: nodes) }

    var testDescription: String {
        (ranks.map { "\($0) ranks" } ?? "no mpirun") + (nodes.map { " on nodes \($0)" } ?? "")
    }

    /// Starts `jreg-dist` with these arguments.
    func start(_ arguments: [String]) throws -> RunningProgram {
        let mpirun = ranks.map { MPI.mpirun + ["-np", "\($0)"] } ?? []
        return try start(commandLine: mpirun + [Repository.program] + arguments)
    }

    /// Starts a whole command line.
    func start(commandLine: [String]) throws -> RunningProgram {
        var variables = environment.merging(MPI.environment) { $1 }
        variables["JREG_DEBUG_NODES"] = nodes
        return try RunningProgram(wrapper + commandLine, environment: variables)
    }
}

/// Runs `jreg-dist` to its end.
func jregDist(
    _ arguments: [String], on launch: Launch = .alone, within limit: Duration = .seconds(120)
) async throws -> Outcome {
    try await launch.start(arguments).end(within: limit)
}

enum MPI {
    /// More ranks than cores are wanted, and they must not all be bound to one.
    static let mpirun = ["mpirun", "--oversubscribe", "--bind-to", "none"]

    /// The tests of a container run as root.
    static let environment = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]

    static let isInstalled = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: $0 + "/mpirun") }
}

extension Workspace {
    /// The environment of a run that is going to be killed: what Open MPI then leaves behind goes with the workspace.
    var leftoversOfMPI: [String: String] {
        ["OMPI_MCA_btl_vader_backing_directory": path, "TMPDIR": path]
    }
}
