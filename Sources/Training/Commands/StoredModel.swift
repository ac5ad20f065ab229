import Checkpoints
import Collectives
import Corpus
import Foundation
import Kernels
import LlamaModel

/// A model from a checkpoint of ours, or from any Hugging Face Llama directory, with what its directory says besides.
struct StoredModel {
    let model: Llama
    /// The configuration of the run that made it; nil for a directory of other origin.
    let run: RunConfig?
    let directory: String

    /// One copy of the weights per node. Collective.
    /// - Parameter longest: the longest sequence that will be run, given the shape and the run's configuration: not all that
    ///   the model allows, since a table is made for each position.
    init(
        directory: String, _ communicator: any Communicator, longest: (LlamaConfig, RunConfig?) throws -> Int
    ) throws {
        let source = try communicator.together { try HuggingFaceCheckpoint(directory: directory) }
        let shape = source.config.model
        if let problem = shape.problems.first {
            throw TrainingError(.data, "\(directory)/config.json: \(problem)")
        }
        let layout = ParameterLayout(shape)
        try communicator.together { try source.requireFit(layout) }
        let parameters = try communicator.allocateShared(floats: layout.count, label: "the parameters").all
        try communicator.together {
            if communicator.rank == 0 { try source.readWeights(layout, into: parameters) }
        }
        try communicator.broadcastAcrossNodes(parameters)
        let threads = ThreadBudget.threads(asked: nil, ranksOnHost: communicator.topology.ranksOnHost)
        self.directory = directory
        run = try Self.run(directory)
        model = Llama(
            shape, parameters: parameters, maximumLength: try longest(shape, run), team: ThreadTeam(size: threads))
    }

    private static func run(_ directory: String) throws -> RunConfig? {
        guard FileManager.default.fileExists(atPath: directory + "/trainer.json") else { return nil }
        return try RunConfig(json: Checkpoint(path: directory).state.config.text, named: directory + "/trainer.json")
    }
}

/// The checkpoint that a path means: itself, or the newest of the run that it is the output directory of.
func checkpointDirectory(_ path: String) throws -> String {
    if FileManager.default.fileExists(atPath: path + "/config.json") { return path }
    if let newest = try CheckpointStore(directory: path, keep: 2).list().last { return newest.path }
    throw TrainingError(
        .data,
        "\(path) is no checkpoint (it has no config.json) and holds none: name a directory such as "
            + "runs/quickstart/step-00000100, or the output directory of a run")
}
