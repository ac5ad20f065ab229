import Foundation

/// Where a training run stands, apart from its numbers: what `trainer.json` holds.
public struct TrainerState: Codable, Sendable, Equatable {
    /// The newest layout of `trainer.json` that this program reads.
    public static let currentFormatVersion = 2

    /// 1 without a `history`, 2 with one: a program that knows nothing of skipped steps would go on otherwise.
    public var formatVersion: Int
    /// Steps done, those included whose update was left out.
    public var step: Int
    /// Sequences taken by all ranks together since the start: the position in the data.
    public var samplesConsumed: Int
    /// Of the training data, so that a resumed run notices other data.
    public var datasetFingerprint: String
    /// Parts into which each global batch is cut. Part of the result's bits, so a resumed run must keep it.
    public var lanes: Int
    public var seed: UInt64
    /// The resolved configuration of the run.
    public var config: JSONValue
    public var versions: Versions
    /// Ranks that saved. For information: any number may resume.
    public var worldSize: Int
    /// Nil where there is nothing to tell of the steps so far.
    public var history: StepHistory?
    /// The absolute path of the checkpoint of another run that this one began with (`--resume PATH`); nil: with none.
    public var resumedFrom: String?

    /// What computed the numbers.
    public struct Versions: Codable, Sendable, Equatable {
        public var jregDist: String
        public var swift: String
        /// The x86-64 level that the program was built for.
        public var instructionSet: String

        public init(jregDist: String, swift: String, instructionSet: String) {
            self.jregDist = jregDist
            self.swift = swift
            self.instructionSet = instructionSet
        }

        enum CodingKeys: String, CodingKey {
            case jregDist = "jreg_dist"
            case swift
            case instructionSet = "instruction_set"
        }
    }

    public init(
        step: Int, samplesConsumed: Int, datasetFingerprint: String, lanes: Int, seed: UInt64, config: JSONValue,
        versions: Versions, worldSize: Int, history: StepHistory = StepHistory(), resumedFrom: String? = nil
    ) {
        self.history = history == StepHistory() ? nil : history
        formatVersion = self.history == nil ? 1 : 2
        self.step = step
        self.samplesConsumed = samplesConsumed
        self.datasetFingerprint = datasetFingerprint
        self.lanes = lanes
        self.seed = seed
        self.config = config
        self.versions = versions
        self.worldSize = worldSize
        self.resumedFrom = resumedFrom
    }

    enum CodingKeys: String, CodingKey {
        case formatVersion = "format_version"
        case step
        case samplesConsumed = "samples_consumed"
        case datasetFingerprint = "dataset_fingerprint"
        case lanes
        case seed
        case config
        case versions
        case worldSize = "world_size"
        case history
        case resumedFrom = "resumed_from"
    }

    /// Reads `trainer.json`.
    ///
    /// - Throws: `CheckpointError` when it is damaged, or written by a version of the program that came later.
    init(path: String) throws {
        let bytes = try InputFile(path, followsLink: false).contents(atMost: JSONValue.largestFile)
        // The version first: what else a later one holds may not fit this type at all.
        let json = try JSONValue(parsing: bytes, source: path)
        guard let version = json["format_version"]?.integer, version >= 1 else {
            throw CheckpointError(.damaged, "\(path) has no format_version")
        }
        guard version <= Self.currentFormatVersion else {
            throw CheckpointError(
                .unsupported,
                "\(path) is of format \(version), and this jreg-dist reads up to \(Self.currentFormatVersion): "
                    + "resume with the version that wrote it, or a later one")
        }
        do {
            self = try JSONDecoder().decode(TrainerState.self, from: Data(bytes))
        } catch {
            throw CheckpointError(.damaged, "\(path) does not describe a run: \(JSONValue.reason(error))")
        }
        guard step >= 0, samplesConsumed >= 0, lanes >= 1 else {
            throw CheckpointError(
                .damaged, "\(path) has step \(step), \(samplesConsumed) samples and \(lanes) lanes, which cannot be")
        }
        guard history?.isPossible(after: step) ?? true else {
            throw CheckpointError(
                .damaged, "\(path) tells of skipped steps or losses that \(step) steps cannot have had")
        }
    }
}
