import Foundation
import Kernels

/// One process. Touches no MPI, so it works on a machine whose MPI is broken or was never set up.
public final class LocalCommunicator: Communicator {
    public let topology = NodeTopology(
        rank: 0, ranksPerNode: [1], hostName: ProcessInfo.processInfo.hostName, ranksOnHost: 1)

    public let board = VitalsBoard()

    public init() {}

    public var rank: Int { 0 }
    public var worldSize: Int { 1 }
    public var canSendInBackground: Bool { false }
    public var library: String { "one process, no MPI" }
    public var peers: ShardPeers? { nil }
    public var mail: NodeMail? { nil }

    public func barrier() {}
    public func nodeBarrier() {}
    public func broadcast(_ bytes: [UInt8], from root: Int) -> [UInt8] { bytes }
    public func allGather(_ values: [Double]) -> [[Double]] { [values] }
    public func allReduceMax(_ value: Int) -> Int { value }
    public func allReduceSum(_ values: FloatSlice) {}
    public func transfer(_ values: FloatSlice, from source: Int, to destination: Int) {}

    public func allocateShared(floats count: Int, label: String) -> FloatArena { FloatArena(count: count) }
    public func allocatePerRank(floats count: Int, label: String) -> [FloatArena] { [FloatArena(count: count)] }

    public func abort(code: Int32) -> Never { exit(code) }
    public func finalize() {}
}
