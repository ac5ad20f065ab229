import Collectives
import Kernels

/// `bench gemm`: the peak of multiply-adds, and what products of the model's own shapes reach of it, all ranks at once.
public struct MatrixBenchmark {
    /// FLOP per second, summed over ranks.
    struct Result: Encodable {
        let name: String
        let m: Int
        let n: Int
        let k: Int
        let flops: Double
        /// Nil with more than one thread per rank: OpenBLAS is asked for one.
        let openBLAS: Double?
    }

    struct Report: Encodable {
        let ranks: Int
        let threadsPerRank: Int
        /// P: multiply-adds on registers, on all cores at once.
        let peak: Double
        let products: [Result]
    }

    private let config: RunConfig
    private let communicator: any Communicator
    private let team: ThreadTeam
    private let seconds: Double

    /// - Parameter seconds: for each product.
    init(_ config: RunConfig, _ communicator: any Communicator, seconds: Double) {
        self.seconds = seconds
        self.config = config
        self.communicator = communicator
        team = ThreadBudget.team(config, communicator)
    }

    /// Collective.
    func run() throws -> Report {
        let peak = try communicator.peakRate(on: team, seconds: min(1, 2 * seconds))
        let tokens = config.batch.microBatchSize * config.batch.sequenceLength
        let products = [ModelProduct.square] + ModelProduct.all(of: config.model.shape, tokens: tokens)
        let results = try products.map { product in
            let operands = ProductOperands(product)
            return Result(
                name: product.name, m: product.m, n: product.n, k: product.k,
                flops: try rate(product.flops) { operands.multiply(on: team) },
                openBLAS: team.size > 1 ? nil : try rate(product.flops) { operands.multiplyByOpenBLAS() })
        }
        return Report(
            ranks: communicator.worldSize, threadsPerRank: team.size, peak: peak, products: results)
    }

    /// The median of as many runs as fill the time, summed over ranks that all run at once.
    private func rate(_ flops: Double, _ body: () -> Void) throws -> Double {
        body()
        try communicator.barrier()
        var seconds: [Double] = []
        let start = ContinuousClock.now
        repeat {
            let begin = ContinuousClock.now
            body()
            seconds.append((ContinuousClock.now - begin).seconds)
        } while (ContinuousClock.now - start).seconds < self.seconds || seconds.count < 3
        let median = seconds.sorted()[seconds.count / 2]
        return try communicator.allGather([flops / median]).reduce(0) { $0 + $1[0] }
    }
}

extension Communicator {
    /// Multiply-adds of all ranks at once, FLOP per second. Collective.
    func peakRate(on team: ThreadTeam, seconds: Double) throws -> Double {
        try barrier()
        return try allGather([PeakRate.measure(on: team, seconds: seconds)]).reduce(0) { $0 + $1[0] }
    }
}

extension MatrixBenchmark.Report: CustomStringConvertible {
    var description: String {
        func row(_ name: String, _ cells: [String]) -> String {
            name.padding(toLength: 34, withPad: " ", startingAt: 0)
                + cells.map { String(repeating: " ", count: max(1, 14 - $0.count)) + $0 }.joined()
        }
        func gigaflops(_ rate: Double) -> String { (rate / 1e9).text(0) + " (" + (rate / peak).text(2) + ")" }
        var lines = [
            "\(ranks) rank\(ranks == 1 ? "" : "s") × \(threadsPerRank) thread\(threadsPerRank == 1 ? "" : "s"), all at once; "
                + "peak of multiply-adds P = \((peak / 1e9).text(0)) GFLOP/s; GFLOP/s (share of P)",
            row("[m, k] · [k, n]", ["multiply", "OpenBLAS", "m", "n", "k"]),
        ]
        lines += products.map {
            row($0.name, [gigaflops($0.flops), $0.openBLAS.map(gigaflops) ?? "-", "\($0.m)", "\($0.n)", "\($0.k)"])
        }
        return lines.joined(separator: "\n")
    }
}
