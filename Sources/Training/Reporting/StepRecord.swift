/// A line of `metrics.jsonl` for a step.
struct StepRecord: Encodable {
    let step: Int
    let samples: Int
    let tokens: Int
    let loss: Double
    let crossEntropy: Double
    let jreg: Double
    let lambda: Double
    let displacement: [Double]
    let jumpRate: [Double]
    let learningRate: Double
    let gradNorm: Double
    /// Why the update was left out; without this key, it was made.
    let bad: Fault?
    /// Steps of the run so far whose update was left out.
    let skipped: Int
    /// Wall-clock seconds of the step, and where they went on rank 0.
    let seconds: Double
    let phases: [String: Double]
    /// The same seconds by what was computed.
    let activities: [String: Double]
    let tokensPerSecond: Double
    let gflops: Double
    /// Model FLOP per second over what all cores of the run can do in fused multiply-adds.
    let mfu: Double
    /// Bytes, as the kernel counts them; measured when a line is printed, and as of then in the lines between.
    let rankMemory: Int
    let nodeMemory: Int

    enum CodingKeys: String, CodingKey {
        case step, samples, tokens, loss, jreg, lambda, displacement, seconds, phases, activities, gflops, mfu, bad
        case skipped
        case crossEntropy = "ce"
        case jumpRate = "jump_rate"
        case learningRate = "lr"
        case gradNorm = "grad_norm"
        case tokensPerSecond = "tokens_per_second"
        case rankMemory = "rank_memory"
        case nodeMemory = "node_memory"
    }
}

extension StepRecord {
    init(_ result: StepResult, seconds: Double, meter: ThroughputMeter, memory: RunMemory) {
        let tokens = meter.tokensPerStep
        step = result.step
        samples = result.samples
        self.tokens = result.step * tokens
        loss = result.means.total
        crossEntropy = result.means.crossEntropy
        jreg = result.means.regularizer
        lambda = result.lambda
        displacement = result.means.displacements
        jumpRate = result.means.jumpRates
        learningRate = result.learningRate
        gradNorm = result.gradNorm
        bad = result.bad.map(Fault.init)
        skipped = result.skipped
        self.seconds = seconds
        phases = result.times.phases
        activities = result.times.activities
        tokensPerSecond = Double(tokens) / seconds
        gflops = meter.flopsPerStep / seconds / 1e9
        mfu = meter.flopsPerStep / seconds / meter.peakFlops
        rankMemory = memory.rank
        nodeMemory = memory.node
    }
}

extension StepRecord {
    /// A step that was skipped, in words and, where a rank is to blame, in numbers.
    struct Fault: Encodable {
        let fault: String
        let place: String?
        let rank: Int?
        let host: String?
        let lane: Int?
        /// The first and the last.
        let samples: [Int]?
        let repeatable: Bool?

        init(_ bad: BadStep) {
            let origin = bad.culprit?.origin
            (fault, place, repeatable) = (bad.faultText, bad.culprit?.place, bad.culprit?.isRepeatable)
            (rank, host, lane) = (origin?.rank, origin?.host, origin?.lane)
            samples = origin.map { [$0.samples.lowerBound, $0.samples.upperBound] }
        }
    }
}

/// What turns seconds into rates.
struct ThroughputMeter {
    let tokensPerStep: Int
    let flopsPerStep: Double
    /// What all cores of the run can do, FLOP per second.
    let peakFlops: Double
}

/// Proportional set sizes, bytes.
struct RunMemory {
    var rank = 0
    var node = 0
}
