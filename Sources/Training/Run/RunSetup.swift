import Checkpoints
import Collectives
import Corpus
import Foundation
import Kernels
import LlamaModel

/// What a training run is asked to do.
public struct TrainOptions: Sendable {
    /// Nil: the built-in quickstart.
    public var configFile: String?
    /// Of the form `batch.lanes=16`.
    public var overrides: [String]
    public var resume: ResumeChoice

    public init(configFile: String?, overrides: [String], resume: ResumeChoice) {
        self.configFile = configFile
        self.overrides = overrides
        self.resume = resume
    }
}

extension RunConfig {
    /// The configuration that rank 0 reads, on every rank: only rank 0 needs to see the files. Collective.
    static func loadTogether(
        file: String?, overrides: [String], _ communicator: any Communicator
    ) throws -> RunConfig {
        let own = try communicator.together { () throws -> RunConfig? in
            guard communicator.rank == 0 else { return nil }
            let config = try load(file: file, overrides: overrides)
            if let problem = config.problems(worldSize: communicator.worldSize).first {
                throw TrainingError(.usage, problem)
            }
            return config
        }
        let json = try communicator.broadcast(Array((own?.json ?? "").utf8), from: 0)
        return try own ?? RunConfig(json: String(decoding: json, as: UTF8.self), named: "rank 0's configuration")
    }
}

/// The texts of a run.
struct RunData {
    let train: TokenDataset
    /// Nil: there is none, and so no evaluation.
    let validation: TokenDataset?
    /// Rank 0's; nil when the data does not come with one.
    let tokenizer: (any Tokenizer)?

    /// Opens and checks all shards. Collective: a shard that one rank cannot read stops all.
    init(_ config: RunConfig, _ communicator: any Communicator) throws {
        func open(_ paths: [String], _ split: DatasetSplit) throws -> TokenDataset {
            try TokenDataset(
                paths: paths, split: split, sequenceLength: config.batch.sequenceLength,
                vocabularySize: config.model.shape.vocabSize)
        }
        (train, validation, tokenizer) = try communicator.together {
            let directories = config.data.train.filter(Self.isDataset)
            let validationPaths = config.data.validation ?? directories
            return (
                try open(config.data.train, .train),
                validationPaths.isEmpty ? nil : try open(validationPaths, .validation),
                communicator.rank == 0 ? try Self.tokenizer(config, directories) : nil
            )
        }
        if config.data.documentMask && train.separator == nil {
            throw TrainingError(
                .usage,
                "data.document_mask is true, but data.train does not say which token separates documents: name a "
                    + "directory that `jreg-dist prepare` made, or switch the mask off")
        }
    }

    private static func isDataset(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/dataset.json")
    }

    private static func tokenizer(_ config: RunConfig, _ directories: [String]) throws -> (any Tokenizer)? {
        let origin = config.model.initFrom.flatMap { (try? loadTokenizer(inDirectory: $0)) == nil ? nil : $0 }
        guard let path = config.data.tokenizer ?? directories.first ?? origin else { return nil }
        let tokenizer = try loadTokenizer(at: path)
        let vocabulary = config.model.shape.vocabSize
        guard tokenizer.vocabularySize <= vocabulary else {
            throw TrainingError(
                .usage,
                "the tokenizer \(path) has \(tokenizer.vocabularySize) ids, but model.vocab_size is only \(vocabulary)")
        }
        return tokenizer
    }

    var summary: String {
        var text = "\(train.tokenCount) tokens, \(train.windowCount) windows (fingerprint \(train.fingerprint))"
        text += validation.map { "; \($0.tokenCount) tokens to validate" } ?? "; none to validate"
        if let entropy = train.unigramEntropy { text += "; unigram entropy \(entropy.text(3)) nats" }
        return text
    }
}

extension Plan {
    /// The plan of a run on these ranks.
    init(_ config: RunConfig, _ topology: NodeTopology, threads: Int) {
        self.init(
            config, worldSize: topology.worldSize, ranksPerNode: topology.ranksPerNode.max() ?? 1, threads: threads)
    }

    public init(_ config: RunConfig, worldSize: Int, ranksPerNode: Int, threads: Int) {
        self.init(config, worldSize: worldSize, ranksPerNode: ranksPerNode) { config in
            ActivationPlan(
                config.model.shape, sequences: config.batch.microBatchSize, length: config.batch.sequenceLength,
                purpose: config.parallel.recompute ? .trainingWithRecompute : .training, teamSize: threads
            ).floats
        }
    }
}
