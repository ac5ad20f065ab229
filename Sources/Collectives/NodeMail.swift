import CMPI
import Synchronization

/// Short messages between the first ranks of the nodes, outside of all collectives: nobody waits for anybody. For one
/// thread, which need not be the one that computes.
public final class NodeMail: Sendable {
    private let communicator: Int32
    private let caller: MPICaller
    private let topology: NodeTopology

    init(communicator: Int32, topology: NodeTopology, caller: MPICaller) {
        (self.communicator, self.topology, self.caller) = (communicator, topology, caller)
    }

    /// Sends the vitals of this node's ranks to every other node, except to one that has not taken the last ones.
    public func post(_ signs: [VitalSigns]) throws {
        let message = signs.flatMap(\.message)
        for node in 0..<topology.nodeCount where node != topology.nodeIndex {
            try caller.check(
                cmpi_mail_post(communicator, Int32(node), message, Int64(message.count * 8)), "MPI_Isend of vitals")
        }
    }

    /// The newest vitals that have arrived since the last call, by rank.
    public func receive() throws -> [Int: VitalSigns] {
        var found: [Int: VitalSigns] = [:]
        let most = topology.ranksPerNode.max()! * VitalSigns.words
        var message = [UInt64](repeating: 0, count: most)
        while true {
            var node: Int32 = 0
            try caller.check(
                cmpi_mail_receive(communicator, &message, Int64(most * 8), &node), "MPI_Recv of vitals")
            if node == Int32(CMPI_NONE) { return found }
            for (index, rank) in topology.ranks(ofNode: Int(node)).enumerated() {
                let first = index * VitalSigns.words
                found[rank] = VitalSigns(message: message[first..<(first + VitalSigns.words)])
            }
        }
    }
}
