import Collectives
import Foundation
import Kernels

/// The setting `JREG_DEBUG_BIT_FLIP`, such as `1:40`: after step 40 a bit of the weights that node 1 holds is turned, as by a
/// fault of its memory. To try what becomes of it.
package struct DebugBitFlip: Equatable {
    package let node: Int
    package let step: Int

    /// - Throws: `TrainingError` for a setting that is none.
    package init?(setting: String?) throws {
        guard let setting, !setting.isEmpty else { return nil }
        let numbers = setting.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
        guard numbers.count == 2, numbers.allSatisfy({ $0 >= 0 }) else {
            throw TrainingError(.usage, "JREG_DEBUG_BIT_FLIP=\(setting): it takes a node and a step, such as 1:40")
        }
        (node, step) = (numbers[0], numbers[1])
    }

    static func ofEnvironment() throws -> DebugBitFlip? {
        try DebugBitFlip(setting: ProcessInfo.processInfo.environment["JREG_DEBUG_BIT_FLIP"])
    }

    func apply(after step: Int, _ topology: NodeTopology, _ parameters: FloatSlice) {
        guard step == self.step, topology.nodeIndex == node, topology.localRank == 0 else { return }
        let middle = parameters.count / 2
        parameters[middle] = Float(bitPattern: parameters[middle].bitPattern ^ (1 << 12))
    }
}
