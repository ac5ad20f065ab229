import Checkpoints
import Collectives
import Corpus
import Foundation
import Kernels
import LlamaModel

/// Saving a run and taking it up again. Rank 0 writes, reads and decides; the others give and receive their parts.
final class Checkpointing {
    let config: RunConfig
    let communicator: any Communicator
    let datasetFingerprint: String
    /// What is saved beside the model so that others can read its tokens; rank 0 alone has it.
    let tokenizer: (any Tokenizer)?

    /// One for the whole run: what it finds damaged when the run is taken up, it does not count as kept later.
    let store: CheckpointStore
    /// The checkpoint that this run began with if that is another run's, for `trainer.json`. Rank 0's.
    private var resumedFrom: String?
    /// Rank 0's hold on the output directory.
    private(set) var lock: RunLock?
    /// Rank 0's, from the first checkpoint on that is written while training goes on.
    var snapshot: Snapshot?
    let writer = CheckpointThread<WrittenCheckpoint>()
    /// For which the next checkpoint has waited for the writer.
    var secondsWaited = 0.0
    var writtenInPlace: WrittenCheckpoint?
    /// How long the last checkpoint took to write.
    var lastWrite: Double?

    init(
        config: RunConfig, communicator: any Communicator, datasetFingerprint: String, tokenizer: (any Tokenizer)?
    ) throws {
        self.config = config
        self.communicator = communicator
        self.datasetFingerprint = datasetFingerprint
        self.tokenizer = tokenizer
        store = try CheckpointStore(directory: config.run.out, keep: config.run.keepCheckpoints)
    }

    // MARK: - What is saved

    func trainerState(_ state: TrainingState) throws -> TrainerState {
        try TrainerState(
            step: state.step, samplesConsumed: state.samplesConsumed, datasetFingerprint: datasetFingerprint,
            lanes: config.batch.lanes, seed: UInt64(config.run.seed),
            config: JSONValue(parsing: Array(config.json.utf8), source: "the configuration"),
            versions: Version.all, worldSize: communicator.worldSize, history: state.history, resumedFrom: resumedFrom)
    }

    /// Those of the tokenizer; without one, those of the checkpoint that the run began with.
    var specialTokens: SpecialTokens {
        if let tokenizer {
            return SpecialTokens(
                beginOfText: tokenizer.beginOfText.map(Int.init), endOfText: tokenizer.endOfText.map { [Int($0)] } ?? []
            )
        }
        let origin = config.model.initFrom.flatMap { try? HuggingFaceConfig(path: $0 + "/config.json") }
        return origin?.specialTokens ?? SpecialTokens()
    }

    // MARK: - Resuming

    /// Where a run begins.
    enum Start: Sendable, Equatable {
        case fresh
        /// With the checkpoint at `path`, past newer ones that could not be used, each with the reason.
        case checkpoint(path: String, skipped: [String])
    }

    /// Takes the output directory for this run, before anything in it is read or written. Rank 0 alone calls it.
    /// - Returns: why another run is not kept out after all, if so.
    /// - Throws: when another run has it.
    func takeDirectory() throws -> String? {
        let lock = try RunLock(directory: config.run.out)
        self.lock = lock
        return lock.warning
    }

    /// What `--resume` means for the directory at hand. Rank 0 alone calls it.
    func start(_ resume: ResumeChoice) throws -> Start {
        switch resume {
        case .none:
            if let newest = try store.list().last {
                throw TrainingError(
                    .usage,
                    "\(config.run.out) holds a run that got to step \(newest.step), and --resume none would overwrite it: "
                        + "name another --out, or remove that directory first")
            }
            return .fresh
        case .path(let path):
            let origin = Self.absolute(path)
            if let own = try newestUsable() {
                // The same command again, after a kill or a stop: the run that it began goes on.
                if own.checkpoint.state.resumedFrom == origin { return try goOn(with: own.checkpoint, own.skipped) }
                guard Self.absolute(own.checkpoint.path) == origin else {
                    throw TrainingError(
                        .usage,
                        "\(config.run.out) holds a run that got to step \(own.checkpoint.state.step), and going on from \(path) "
                            + "would overwrite it: name another --out, or go on with that run (--resume auto)")
                }
            }
            resumedFrom = origin
            return try goOn(with: try Checkpoint(verifying: path), [])
        case .auto:
            guard let own = try newestUsable() else { return .fresh }
            return try goOn(with: own.checkpoint, own.skipped)
        }
    }

    private static func absolute(_ path: String) -> String { URL(filePath: path).standardizedFileURL.path }

    /// That of the output directory; nil where it has none.
    /// - Throws: if all that it has are damaged.
    private func newestUsable() throws -> (checkpoint: Checkpoint, skipped: [String])? {
        let recovery = try store.newestUsable()
        let skipped = recovery.skipped.map { "\($0.path): \($0.reason)" }
        guard let found = recovery.found else {
            if skipped.isEmpty { return nil }
            throw TrainingError(
                .data,
                "\(config.run.out) has no checkpoint that can be used:\n  " + skipped.joined(separator: "\n  ")
                    + "\nRemove them to start anew, or name another --out")
        }
        return (found, skipped)
    }

    private func goOn(with checkpoint: Checkpoint, _ skipped: [String]) throws -> Start {
        if let reason = refusal(checkpoint.state) { throw TrainingError(.usage, "\(checkpoint.path): \(reason)") }
        resumedFrom = resumedFrom ?? checkpoint.state.resumedFrom
        return .checkpoint(path: checkpoint.path, skipped: skipped)
    }

    /// Why a sound checkpoint cannot be continued with this configuration, or nil.
    private func refusal(_ saved: TrainerState) -> String? {
        let stored: RunConfig
        do {
            stored = try RunConfig(json: saved.config.text, named: "its trainer.json")
        } catch {
            return "its configuration cannot be read: \(error)"
        }
        let differing = Self.differences(stored, config)
        if !differing.isEmpty {
            return "this checkpoint is of another run: " + differing.joined(separator: "; ")
                + ". Take its settings back, or name another --out for a new run (model.init_from starts from its weights)"
        }
        if saved.datasetFingerprint != datasetFingerprint {
            return "it was trained on other data (fingerprint \(saved.datasetFingerprint), that of data.train is "
                + "\(datasetFingerprint)), so its position in the data means nothing here. Name the same data, or another "
                + "--out with model.init_from"
        }
        return nil
    }

    /// The settings that are part of a run's arithmetic and so cannot change half-way.
    private static func differences(_ stored: RunConfig, _ wanted: RunConfig) -> [String] {
        var found: [String] = []
        func compare<Value: Equatable>(_ name: String, _ path: KeyPath<RunConfig, Value>) {
            let (old, new) = (stored[keyPath: path], wanted[keyPath: path])
            if old != new { found.append("\(name) is \(old) there and \(new) here") }
        }
        compare("model.hidden_size", \.model.shape.hiddenSize)
        compare("model.intermediate_size", \.model.shape.intermediateSize)
        compare("model.num_hidden_layers", \.model.shape.numHiddenLayers)
        compare("model.num_attention_heads", \.model.shape.numAttentionHeads)
        compare("model.num_key_value_heads", \.model.shape.numKeyValueHeads)
        compare("model.head_dim", \.model.shape.headDim)
        compare("model.vocab_size", \.model.shape.vocabSize)
        compare("model.tie_word_embeddings", \.model.shape.tieWordEmbeddings)
        compare("model.rope_theta", \.model.shape.ropeTheta)
        compare("model.rope_scaling", \.model.shape.ropeScaling)
        compare("model.rms_norm_eps", \.model.shape.rmsNormEps)
        compare("batch.sequence_length", \.batch.sequenceLength)
        compare("batch.lanes", \.batch.lanes)
        compare("data.shuffle", \.data.shuffle)
        compare("run.seed", \.run.seed)
        return found
    }

    /// Fills `state` from the checkpoint that rank 0 chose. Collective.
    func restore(_ state: TrainingState, from path: String) throws {
        let saved = try communicator.together { () throws -> Checkpoint? in
            guard communicator.rank == 0 else { return nil }
            let saved = try Checkpoint(path: path)
            try saved.readWeights(state.model.layout, into: state.model.parameters)
            return saved
        }
        try state.publishFromRankZero()
        let layout = state.model.layout
        for (moment, arena) in [(CheckpointMoment.first, state.firstMoment), (.second, state.secondMoment)] {
            var next = 0
            try arena.scatter { chunk in
                try saved?.readMoment(moment, layout, elements: next..<(next + chunk.count), into: chunk)
                next += chunk.count
            }
        }
        let own = saved.map { Position($0.state) }
        let told = try communicator.broadcast(own.map { Array(try JSONEncoder().encode($0)) } ?? [], from: 0)
        let position = try own ?? JSONDecoder().decode(Position.self, from: Data(told))
        (state.step, state.samplesConsumed, state.history) = (position.step, position.samples, position.history)
    }

    /// Of a checkpoint, what every rank must know besides its part of the numbers.
    private struct Position: Codable {
        let step: Int
        let samples: Int
        let history: StepHistory

        init(_ saved: TrainerState) {
            (step, samples, history) = (saved.step, saved.samplesConsumed, saved.history ?? StepHistory())
        }
    }

    /// Fills the weights from the Hugging Face directory that `model.init_from` names. Collective.
    func initialize(_ state: TrainingState, from directory: String) throws {
        try communicator.together {
            guard communicator.rank == 0 else { return }
            try HuggingFaceCheckpoint(directory: directory).readWeights(
                state.model.layout, into: state.model.parameters)
        }
        try state.publishFromRankZero()
    }
}

/// What `--resume` says.
public enum ResumeChoice: Sendable, Equatable {
    /// Take up the run in the output directory if there is one.
    case auto
    /// Begin anew; refused where that would overwrite a run.
    case none
    /// Go on from this checkpoint.
    case path(String)

    public init(_ text: String) {
        self = text == "auto" ? .auto : text == "none" ? .none : .path(text)
    }
}
