import Collectives
import Kernels
import LlamaModel
import Objectives

/// `bench step`: whole steps of a configuration on random tokens, and where their time goes.
struct StepBenchmark {
    struct Report: Encodable {
        let ranks: Int
        let threadsPerRank: Int
        let parameters: Int
        let tokensPerStep: Int
        /// The median step, seconds, and all of them.
        let seconds: Double
        let allSeconds: [Double]
        let tokensPerSecond: Double
        /// Of the evaluation's forward passes, all ranks at once.
        let evaluationTokensPerSecond: Double
        /// FLOP per second by the model's count, as for `mfu`.
        let flops: Double
        /// P, multiply-adds of all cores at once: the mean of a measurement before the steps and one after.
        let peak: Double
        /// Shares of the steps' time on rank 0, by what was computed.
        let shares: [String: Double]
        /// Bytes, proportional set sizes.
        let nodeMemory: Int
        let loss: Double
    }

    private static let warmUp = 2
    private let config: RunConfig
    private let communicator: any Communicator
    private let seconds: Double

    /// - Parameter seconds: for all steps together.
    init(_ config: RunConfig, _ communicator: any Communicator, seconds: Double) {
        self.seconds = seconds
        self.config = config
        self.communicator = communicator
    }

    /// Times as many steps as fill the time, at least five. Collective.
    func run() throws -> Report {
        let team = ThreadBudget.team(config, communicator)
        let state = try TrainingState(config, communicator: communicator, team: team)
        try state.initialize(seed: config.run.seed)
        let random = RandomNumbers(seed: UInt64(config.run.seed))
        let (length, vocabulary) = (config.batch.sequenceLength + 1, UInt64(config.model.shape.vocabSize))
        let source = BatchSource(batch: config.batch) { sample in
            (0..<length).map { Int32(random.bits(UInt64(sample * length + $0)) % vocabulary) }
        }
        let step = try TrainStep(config, state: state, source: source)
        for _ in 0..<Self.warmUp { _ = try step.run() }

        let before = try communicator.peakRate(on: team, seconds: min(1, self.seconds))
        var seconds: [Double] = []
        var activities: [String: Double] = [:]
        var loss = 0.0
        while try !isEnough(seconds) {
            let start = ContinuousClock.now
            let result = try step.run()
            seconds.append((ContinuousClock.now - start).seconds)
            activities.merge(result.times.activities, uniquingKeysWith: +)
            loss = result.means.total
        }
        let peak = (before + (try communicator.peakRate(on: team, seconds: min(1, self.seconds)))) / 2
        let median = seconds.sorted()[seconds.count / 2]
        let evaluationRate = try evaluationRate(state.model, source.microBatch(0, lane: 0, firstSample: 0))
        let work = Plan(config, communicator.topology, threads: team.size).work
        return Report(
            ranks: communicator.worldSize, threadsPerRank: team.size, parameters: state.model.layout.count,
            tokensPerStep: config.batch.tokensPerStep, seconds: median, allSeconds: seconds,
            tokensPerSecond: Double(config.batch.tokensPerStep) / median,
            evaluationTokensPerSecond: evaluationRate, flops: work.flopsPerStep / median,
            peak: peak, shares: activities.mapValues { $0 / seconds.reduce(0, +) },
            nodeMemory: try MemoryAccount.ofThisNode(communicator).proportional, loss: loss)
    }

    /// What `Evaluator` does with a batch, without reading layers out; the median of five passes, tokens per second of all
    /// ranks. Collective.
    private func evaluationRate(_ model: Llama, _ batch: TokenBatch) throws -> Double {
        let activations = Activations(
            model.config, sequences: batch.sequences, length: batch.length, purpose: .evaluation,
            teamSize: model.team.size)
        let objective = Objective(
            ObjectiveSettings(lambda: 0, regularizer: nil), config: model.config, tokens: batch.tokenCount,
            team: model.team)
        try communicator.barrier()
        let seconds = (0..<5).map { _ in
            let start = ContinuousClock.now
            model.forward(batch, activations, visit: objective.visit)
            _ = objective.evaluate(model, batch, activations)
            return (ContinuousClock.now - start).seconds
        }
        return try communicator.allGather([Double(batch.tokenCount) / seconds.sorted()[2]]).reduce(0) { $0 + $1[0] }
    }

    /// As rank 0 sees it, so that all agree.
    private func isEnough(_ seconds: [Double]) throws -> Bool {
        let enough = seconds.count >= 5 && seconds.reduce(0, +) >= self.seconds
        return try communicator.broadcast([enough ? 1 : 0], from: 0) == [1]
    }
}

extension StepBenchmark.Report: CustomStringConvertible {
    var description: String {
        let activities = Activity.allCases.map(\.name) + ["other"]
        return """
            \(ranks) rank\(ranks == 1 ? "" : "s") × \(threadsPerRank) thread\(threadsPerRank == 1 ? "" : "s"), \
            \(parameters) parameters, \(tokensPerStep) tokens a step
            step     \(seconds.text(4)) s (median of \(allSeconds.count)), \(tokensPerSecond.text(0)) tokens/s
            rate     \((flops / 1e9).text(1)) GFLOP/s, \((flops / peak).text(3)) of P = \((peak / 1e9).text(0)) GFLOP/s
            eval     \(evaluationTokensPerSecond.text(0)) tokens/s, \((evaluationTokensPerSecond / tokensPerSecond).text(2)) of training's
            memory   \(byteText(nodeMemory)) on this node
            where    \(activities.map { "\($0) \((100 * (shares[$0] ?? 0)).text(1)) %" }.joined(separator: ", "))
            """
    }
}
