import Collectives
import Foundation

/// Which ranks of a launch find one another: what a launcher is tried with before it is trusted with a run.
public struct RanksCommand: Sendable {
    private let expected: Int?
    private let asJSON: Bool

    /// - Parameter expected: the ranks that there must be; nil: any number will do.
    public init(expected: Int?, asJSON: Bool) {
        self.expected = expected
        self.asJSON = asJSON
    }

    private struct Node: Encodable {
        let host: String
        let ranks: Int
    }

    private struct Report: Encodable {
        let ranks: Int
        let nodes: [Node]
        let library: String
    }

    /// Collective.
    /// - Throws: `TrainingError` on every rank if there are not as many as expected.
    public func run(_ communicator: any Communicator) throws -> ExitStatus {
        let topology = communicator.topology
        let nodes = try topology.ranksPerNode.indices.map { node in
            let name = try communicator.broadcast(
                Array(topology.hostName.utf8), from: topology.ranks(ofNode: node).lowerBound)
            return Node(host: String(decoding: name, as: UTF8.self), ranks: topology.ranksPerNode[node])
        }
        let ranksText = communicator.worldSize == 1 ? "1 rank" : "\(communicator.worldSize) ranks"
        if let expected, expected != communicator.worldSize {
            throw TrainingError(
                .usage,
                "the world has \(ranksText), and \(expected) were expected: the launcher and this program use different "
                    + "MPI libraries, or were not told the same number", isTheSameOnEveryRank: true)
        }
        guard communicator.rank == 0 else { return .done }
        if asJSON {
            let report = Report(ranks: communicator.worldSize, nodes: nodes, library: communicator.library)
            print(String(decoding: try JSONEncoder.lines().encode(report), as: UTF8.self))
        } else {
            let places = nodes.map { "\($0.host) \($0.ranks)" }.joined(separator: ", ")
            print("\(ranksText) (\(places)); \(communicator.library)")
        }
        return .done
    }
}
