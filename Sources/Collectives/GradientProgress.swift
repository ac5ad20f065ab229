import CMPI
import Kernels

/// How far the ranks of a node have come with their gradients of this step, for all of them to see. Gradients are completed
/// from the last float to the first, as the backward pass comes down.
final class GradientProgress: Sendable {
    private let topology: NodeTopology
    private let count: Int
    /// One number for each rank of the node, on a cache line of its own: the step, and below it the floats completed.
    private let numbers: FloatSlice
    private static let line = 16
    private static let stepUnit: Int64 = 1 << 40

    /// Collective.
    init(communicator: any Communicator, count: Int) throws {
        topology = communicator.topology
        self.count = count
        numbers = try communicator.allocateShared(
            floats: topology.localSize * Self.line, label: "the progress of gradients"
        ).all
    }

    /// This rank's gradient of step `step` is complete from float `first` on.
    func set(_ first: Int, step: Int) {
        cmpi_progress_set(address(topology.localRank), Int64(step) * Self.stepUnit + Int64(count - first))
    }

    /// Whether the gradients of all ranks of the node are complete from float `first` on.
    func isComplete(from first: Int, step: Int) -> Bool {
        let wanted = Int64(step) * Self.stepUnit + Int64(count - first)
        return (0..<topology.localSize).allSatisfy { cmpi_progress_get(address($0)) >= wanted }
    }

    private func address(_ localRank: Int) -> UnsafeMutablePointer<Float> {
        numbers.pointer + localRank * Self.line
    }
}
