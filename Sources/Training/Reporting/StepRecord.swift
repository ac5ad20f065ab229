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
        case step, samples, tokens, loss, jreg, lambda, displacement, seconds, phases, activities, gflops, mfu
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
