import LlamaModel

/// What a run will need, computed from its configuration alone: no file is read and no memory taken.
///
/// All sizes are bytes. Encodes to the JSON of `jreg-dist plan --json`.
public struct Plan: Codable, Sendable, Equatable {
    public let model: Model
    public let ranks: Ranks
    public let memory: Memory
    public let work: Work
    public let checkpoint: Checkpoint
    /// What is worth knowing of this number of ranks.
    public let notes: [String]

    public struct Model: Codable, Sendable, Equatable {
        public let parameters: Int
        public let embeddingParameters: Int
        public let flopsPerToken: Int
    }

    public struct Ranks: Codable, Sendable, Equatable {
        public let worldSize: Int
        public let ranksPerNode: Int
        public let nodes: Int
        /// Of the rank with the most.
        public let lanesPerRank: Int
        public let gradientArenasPerRank: Int
    }

    /// Bytes of the node, and of the rank, that need most.
    public struct Memory: Codable, Sendable, Equatable {
        /// Held once by a node, for all its ranks.
        public let parametersPerNode: Int
        /// AdamW's m and v, held once by a node or, with `optimizer.shard: world`, once by all nodes together.
        public let momentsPerNode: Int
        /// What a checkpoint is written from while training goes on, on the node of rank 0: weights and both moments.
        public let snapshotPerNode: Int
        public let gradientsPerRank: Int
        public let activationsPerRank: Int
        /// What libraries and the packed operands of products take of each rank, beside `programPerNode` for shared code.
        public let programPerRank: Int
        public let programPerNode: Int
        /// What each further rank on a node costs.
        public let perRank: Int
        public let perNode: Int
    }

    public struct Work: Codable, Sendable, Equatable {
        public let steps: Int
        public let sequencesPerStep: Int
        public let tokensPerStep: Int
        public let tokens: Int
        public let sequencesPerLane: Int
        public let microBatchesPerLane: Int
        /// Of the rank with the most lanes.
        public let microBatchesPerRank: Int
        public let flopsPerStep: Double
        public let flops: Double
    }

    public struct Checkpoint: Codable, Sendable, Equatable {
        public let bytes: Int
        public let kept: Int
        /// While a new one is being written, one more than `kept` lies on the disk.
        public let mostBytesOnDisk: Int
    }

    /// - Parameters:
    ///   - config: one that `RunConfig.load` has checked, and whose `problems(worldSize:)` are none.
    ///   - ranksPerNode: of each node but perhaps the last.
    ///   - activationFloats: how many floats one rank holds between forward and backward, scratch included.
    public init(
        _ config: RunConfig, worldSize: Int, ranksPerNode: Int, activationFloats: (RunConfig) -> Int
    ) {
        precondition(worldSize > 0 && ranksPerNode > 0, "a plan for \(worldSize) ranks, \(ranksPerNode) per node")
        precondition(config.problems(worldSize: worldSize).isEmpty, "a plan for more ranks than lanes")
        let shape = config.model.shape
        let parameters = ParameterLayout(shape).count
        model = Model(
            parameters: parameters, embeddingParameters: shape.embeddingParameters,
            flopsPerToken: shape.trainingFlopsPerToken(sequenceLength: config.batch.sequenceLength))

        let lanesPerRank = config.batch.lanes.dividedRoundingUp(by: worldSize)
        ranks = Ranks(
            worldSize: worldSize, ranksPerNode: min(ranksPerNode, worldSize),
            nodes: worldSize.dividedRoundingUp(by: ranksPerNode), lanesPerRank: lanesPerRank,
            gradientArenasPerRank: config.parallel.reduction == .fast ? 1 : 1 + lanesPerRank.logarithm)
        memory = Memory(
            parameters: parameters, ranks: ranks, shard: config.optimizer.shard, takesSnapshots: config.takesSnapshots,
            activationFloats: activationFloats(config))
        work = Work(config, flopsPerToken: model.flopsPerToken, lanesPerRank: lanesPerRank)
        checkpoint = Checkpoint(parameters: parameters, kept: config.run.keepCheckpoints)
        notes = config.notes(worldSize: worldSize)
    }
}

private let floatBytes = MemoryLayout<Float>.size

extension Plan.Memory {
    fileprivate init(
        parameters: Int, ranks: Plan.Ranks, shard: RunConfig.OptimizerSection.Shard, takesSnapshots: Bool,
        activationFloats: Int
    ) {
        let momentsOfNode =
            switch shard {
            case .node: parameters
            case .world: min(parameters, ranks.ranksPerNode * parameters.dividedRoundingUp(by: ranks.worldSize))
            }
        parametersPerNode = parameters * floatBytes
        momentsPerNode = 2 * momentsOfNode * floatBytes
        snapshotPerNode = takesSnapshots ? 3 * parameters * floatBytes : 0
        gradientsPerRank = ranks.gradientArenasPerRank * parameters * floatBytes
        // A pebibyte at most, lest the sums overflow: parameters and ranks are bounded by the checks of the configuration.
        activationsPerRank = min(activationFloats, 1 << 48) * floatBytes
        // Measured over model sizes: 21 to 28 MB with one rank on a node, 11 to 19 MB for each of eight.
        programPerRank = 13 << 20
        programPerNode = 12 << 20
        perRank = gradientsPerRank + activationsPerRank + programPerRank
        perNode =
            parametersPerNode + momentsPerNode + snapshotPerNode + programPerNode + ranks.ranksPerNode * perRank
    }
}

extension RunConfig {
    /// Whether a checkpoint is written while training goes on: every one but the last, which is written as the state lies.
    fileprivate var takesSnapshots: Bool { run.checkpointInBackground && 1..<run.steps ~= run.checkpointEvery }
}

extension Plan.Work {
    fileprivate init(_ config: RunConfig, flopsPerToken: Int, lanesPerRank: Int) {
        steps = config.run.steps
        sequencesPerStep = config.batch.globalBatchSize
        tokensPerStep = config.batch.tokensPerStep
        tokens = steps * tokensPerStep
        sequencesPerLane = config.batch.samplesPerLane
        microBatchesPerLane = config.batch.microBatchesPerLane
        microBatchesPerRank = lanesPerRank * microBatchesPerLane
        flopsPerStep = Double(tokensPerStep) * Double(flopsPerToken)
        flops = Double(steps) * flopsPerStep
    }
}

extension Plan.Checkpoint {
    fileprivate init(parameters: Int, kept: Int) {
        // Weights, m and v; then headers, the tokenizer and the JSON files, which no tokenizer makes larger than this.
        let smallFiles = 16 << 20
        bytes = 3 * floatBytes * parameters + smallFiles
        self.kept = kept
        mostBytesOnDisk = (kept + 1) * bytes
    }
}

extension Int {
    fileprivate func dividedRoundingUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }

    /// The largest n with 2ⁿ ≤ self; of a positive number.
    fileprivate var logarithm: Int { bitWidth - 1 - leadingZeroBitCount }
}
