import Collectives
import Kernels
import LlamaModel

/// `bench reduce`: the sum of a model's gradients over all ranks, one lane of each, by the trainer's reduction and by
/// MPI_Allreduce.
struct ReductionBenchmark {
    struct Report: Encodable {
        let ranks: Int
        let nodes: Int
        /// Of one rank's gradient.
        let bytes: Int
        /// Medians, seconds. The reduction also measures the norm and leaves each rank its shard of the sum.
        let reduceSeconds: Double
        let allReduceSeconds: Double
    }

    private static let rounds = 9
    private let config: RunConfig
    private let communicator: any Communicator

    init(_ config: RunConfig, _ communicator: any Communicator) {
        self.config = config
        self.communicator = communicator
    }

    /// Collective.
    /// - Throws: `TrainingError` on every rank unless they are a power of two, as lanes are.
    func run() throws -> Report {
        try requirePowerOfTwo(communicator.worldSize)
        let count = ParameterLayout(config.model.shape).count
        let reducer = try GradientReducer(
            communicator: communicator, count: count, lanes: communicator.worldSize, sharding: config.sharding,
            wire: config.wireFormat)
        let own = FloatArena(count: count).all
        own.fill(1)
        let reduce = try median {
            reducer.beginLane(0).fill(1)
            reducer.endLane(0)
        } body: {
            _ = try reducer.reduce()
        }
        let allReduce = try median {
            own.fill(1)
        } body: {
            try communicator.allReduceSum(own)
        }
        return Report(
            ranks: communicator.worldSize, nodes: communicator.topology.nodeCount,
            bytes: count * MemoryLayout<Float>.stride, reduceSeconds: reduce, allReduceSeconds: allReduce)
    }

    private func requirePowerOfTwo(_ ranks: Int) throws {
        guard ranks.nonzeroBitCount > 1 else { return }
        let below = 1 << (Int.bitWidth - 1 - ranks.leadingZeroBitCount)
        throw TrainingError(
            .usage,
            "bench reduce was started on \(ranks) ranks, but takes a power of two; start \(below) or \(2 * below)",
            isTheSameOnEveryRank: true)
    }

    /// Of the slowest rank's time in each round.
    private func median(prepare: () -> Void, body: () throws -> Void) throws -> Double {
        let seconds = try (0..<Self.rounds).map { _ in
            prepare()
            try communicator.barrier()
            let start = ContinuousClock.now
            try body()
            let own = (ContinuousClock.now - start).seconds
            return try communicator.allGather([own]).map { $0[0] }.max()!
        }
        return seconds.sorted()[seconds.count / 2]
    }
}

extension ReductionBenchmark.Report: CustomStringConvertible {
    var description: String {
        func row(_ name: String, _ seconds: Double) -> String {
            name.padding(toLength: 22, withPad: " ", startingAt: 0)
                + "\((seconds * 1e3).text(2)) ms, \((Double(bytes) / seconds / 1e9).text(2)) GB/s"
        }
        return """
            \(byteText(bytes)) on each of \(ranks) ranks on \(nodes) node\(nodes == 1 ? "" : "s")
            \(row("reduce, with the norm", reduceSeconds))
            \(row("MPI_Allreduce", allReduceSeconds))
            ratio                 \((allReduceSeconds / reduceSeconds).text(2))
            """
    }
}
