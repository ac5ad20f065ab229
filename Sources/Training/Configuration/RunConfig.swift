import LlamaModel

/// Everything that decides a training run. The defaults are the quickstart, `Configs/quickstart.yaml`.
///
/// What each key means, its unit and what it may be is said once, in `ConfigKey.all`; the sections here only hold the
/// values. A config that `load` returns has passed every check that needs no world size.
public struct RunConfig: Sendable, Equatable {
    public var model = ModelSection()
    public var data = DataSection()
    public var objective = ObjectiveSection()
    public var optimizer = OptimizerSection()
    public var batch = BatchSection()
    public var parallel = ParallelSection()
    public var run = RunSection()

    public init() {}
}

extension RunConfig {
    public struct ModelSection: Sendable, Equatable {
        /// The shape; that of the checkpoint where `initFrom` names one.
        public var shape: LlamaConfig
        public var initFrom: String?

        public init() {
            var shape = LlamaConfig()
            shape.hiddenSize = 128
            shape.intermediateSize = 352
            shape.numHiddenLayers = 8
            shape.numAttentionHeads = 4
            shape.numKeyValueHeads = 4
            shape.headDim = 32
            shape.vocabSize = 4096
            shape.maxPositionEmbeddings = 256
            shape.tieWordEmbeddings = true
            self.shape = shape
        }
    }

    public struct DataSection: Sendable, Equatable {
        public var train = ["runs/quickstart/data"]
        /// `nil`: the validation shards of the dataset directories in `train`; empty: no validation.
        public var validation: [String]?
        /// `nil`: the tokenizer that the dataset directories in `train` name.
        public var tokenizer: String?
        public var shuffle = true
        public var documentMask = false
    }

    public struct ObjectiveSection: Sendable, Equatable {
        public var jreg = JREG()
        public var zLoss = 0.0

        public struct JREG: Sendable, Equatable {
            public var lambda = 3.0
            public var kind = Kind.weighted
            public var alpha = 3.0
            /// `nil`: the last layer.
            public var from: Int?
            public var warmupSteps = 0

            public enum Kind: String, CaseIterable, Sendable {
                case weighted, final
                case jumpRate = "jump-rate"
            }
        }
    }

    public struct OptimizerSection: Sendable, Equatable {
        public var learningRate = 2e-3
        /// `nil`: a tenth of `learningRate`; `finalLearningRate` resolves it.
        public var minLearningRate: Double?
        public var schedule = Schedule.cosine
        public var warmupSteps = 30
        /// `nil`: all steps after the warm-up, or for `wsd` the last tenth of the run.
        public var decaySteps: Int?
        public var beta1 = 0.9
        public var beta2 = 0.95
        public var epsilon = 1e-8
        public var weightDecay = 0.1
        public var maxGradNorm = 1.0
        /// Steps in a row without a usable loss and gradient with which the run ends.
        public var maxBadSteps = 10
        /// 0: a loss that leaps up is no reason to skip a step.
        public var spikeThreshold = 0.0
        public var spikeWindow = 128
        public var shard = Shard.node

        /// Where the schedule ends.
        public var finalLearningRate: Double { minLearningRate ?? learningRate / 10 }

        public enum Schedule: String, CaseIterable, Sendable { case cosine, wsd, linear, constant }
        /// Over which ranks AdamW's moments are spread: those of one node, or all of them (ZeRO-1).
        public enum Shard: String, CaseIterable, Sendable { case node, world }
    }

    public struct BatchSection: Sendable, Equatable {
        public var sequenceLength = 256
        public var microBatchSize = 2
        /// Sequences of one optimizer step, over all ranks.
        public var globalBatchSize = 16
        public var lanes = 8

        public var samplesPerLane: Int { globalBatchSize / lanes }
        public var microBatchesPerLane: Int { samplesPerLane / microBatchSize }
        public var tokensPerStep: Int { globalBatchSize * sequenceLength }
    }

    public struct ParallelSection: Sendable, Equatable {
        public var reduction = Reduction.reproducible
        /// How gradients travel between nodes.
        public var wire = Wire.fp32
        /// `nil`: the cores of the node, divided by its ranks.
        public var threadsPerRank: Int?
        public var recompute = false

        public enum Reduction: String, CaseIterable, Sendable { case reproducible, fast }
        public enum Wire: String, CaseIterable, Sendable { case fp32, bf16 }
    }

    public struct RunSection: Sendable, Equatable {
        public var steps = 400
        public var seed = 1
        public var out = "runs/default"
        public var logEvery = 10
        public var evaluateEvery = 100
        public var evaluationSequences = 128
        public var readoutSequences = 32
        public var checkpointEvery = 100
        /// Whether training goes on while a checkpoint is written, for the price of a snapshot in memory.
        public var checkpointInBackground = true
        public var keepCheckpoints = 3
        /// Time within which the run ends: in time it stops after a step, writes a checkpoint and exits with 75.
        public var timeLimit: Duration?
        /// How long before the end of the time it stops; `nil`: as the time of steps and checkpoints asks for.
        public var timeMargin: Duration?
        /// Steps between two comparisons of the copies of the weights that the nodes hold; 0: only before checkpoints.
        public var checkReplicasEvery = 100
        /// Time without any progress of a rank after which all are ended; `nil`: never.
        public var stallTimeout: Duration? = .seconds(600)
        /// Where one step of the run is written as a Chrome trace; `nil`: nowhere.
        public var trace: String?
    }
}
