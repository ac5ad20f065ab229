import Checkpoints
import Collectives
import Kernels
import LlamaModel

/// Compares the copies of the weights that the nodes have, one each, which do the same arithmetic and so stay the same
/// bits. Where they do not, memory or a network has failed, and nothing that is computed from then on is of use.
package struct ReplicaCheck {
    private let communicator: any Communicator
    private let layout: ParameterLayout
    private let parameters: FloatSlice
    /// By rank.
    private let hosts: [String]
    /// What this rank compares with those who have the same part on other nodes.
    private let shard: Range<Int>
    /// The step after which it was done last.
    private var lastStep: Int?

    init(_ state: TrainingState, hosts: [String]) {
        communicator = state.communicator
        layout = state.model.layout
        parameters = state.model.parameters
        self.hosts = hosts
        shard = ShardLayout(count: layout.count, topology: state.communicator.topology).shard
    }

    /// Collective, between two steps.
    /// - Parameter finishSaving: called on rank 0 before it ends the run: what it still writes is of weights that were alike.
    /// - Throws: `TrainingError` on rank 0 where a node's weights differ from those of the others.
    mutating func run(step: Int, finishSaving: () throws -> Void) throws {
        let topology = communicator.topology
        guard topology.nodeCount > 1, step != lastStep else { return }
        lastStep = step
        Stage.comparison.begin()
        let all = try communicator.gatherTexts(shard.isEmpty ? "" : parameters[shard].contentHash)
        let nodes = (0..<topology.nodeCount).map { topology.ranks(ofNode: $0) }
        let odd = Self.odd(nodes.map { ranks in all[ranks.prefix(topology.ownersPerNode)].map(\.self) })
        guard !odd.isEmpty else { return }
        let tensor = try firstDifference(nodes)
        try communicator.together {
            guard communicator.rank == 0 else { return }
            try finishSaving()
            throw TrainingError(.internal, message(odd.map { nodes[$0] }, first: nodes[0], tensor: tensor, step: step))
        }
    }

    /// The nodes whose parts are not those of most nodes; where no part is that of most, those that differ from the first.
    /// - Parameter nodes: what each has, part by part.
    package static func odd(_ nodes: [[String]]) -> [Int] {
        let counts = Dictionary(nodes.map { ($0, 1) }, uniquingKeysWith: +)
        let most = counts.values.max()!
        let usual = counts.filter { $0.value == most }
        let wanted = usual.count == 1 ? usual.first!.key : nodes[0]
        return nodes.indices.filter { nodes[$0] != wanted }
    }

    /// The first tensor in which the nodes differ. Collective.
    private func firstDifference(_ nodes: [Range<Int>]) throws -> String {
        // One after the other: tensors are few, and this happens once.
        for tensor in layout.tensors {
            let part = tensor.range.clamped(to: shard)
            let all = try communicator.gatherTexts(part.isEmpty ? "" : parameters[part].contentHash)
            let parts = nodes.map { all[$0.prefix(communicator.topology.ownersPerNode)] }
            if parts.contains(where: { !$0.elementsEqual(parts[0]) }) { return tensor.name }
        }
        return layout.tensors[0].name
    }

    private func message(_ odd: [Range<Int>], first: Range<Int>, tensor: String, step: Int) -> String {
        let differing = rankList(odd.flatMap(Array.init), hosts: hosts)
        let against =
            communicator.topology.nodeCount == 2
            ? "the copy of \(rankList(Array(first), hosts: hosts)) (which of the two is wrong cannot be told)"
            : "the others"
        return "after step \(step) the weights in the memory of \(differing) differ from \(against), first in "
            + "\(tensor). Nothing was saved of this: the checkpoints are whole. A fault of memory is the usual reason (`dmesg` and "
            + "`edac-util` of that host may tell), or one of the network; start the same command again without that host"
    }
}
