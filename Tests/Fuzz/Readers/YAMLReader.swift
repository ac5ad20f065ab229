import Foundation
import LlamaModel
import Training

/// The configuration of a run, and the plan that is made of it.
struct YAMLReader: FileReader {
    private let path: String

    init(_ directory: String) throws { path = FuzzFile(in: directory).path }

    var seeds: [[UInt8]] {
        get throws {
            let plain = RunConfig()
            let other = try RunConfig.load(
                yaml: "", named: "",
                overrides: [
                    "data.train=[a b, \"c*.bin\"]", "optimizer.schedule=wsd", "run.time_limit=1d2h",
                    "model.head_dim=10",
                    "model.rope_scaling={rope_type: linear, factor: 2}", "run.trace=x.json", "objective.jreg.from=2",
                ]
            ) { _ in LlamaConfig() }
            return [Array(plain.yaml.utf8), Array(other.yaml.utf8), Array(other.json.utf8)]
        }
    }

    func read(_ content: [UInt8]) throws {
        let config = try RunConfig.load(file: path) { _ in LlamaConfig() }
        _ = config.notes(worldSize: 3) + config.problems(worldSize: 3)
        let ranks = min(4, config.batch.lanes)
        let plan = Plan(config, worldSize: ranks, ranksPerNode: 2, threads: 2)
        _ = plan.description + plan.json
        // What is stored with a checkpoint must be read back as it was.
        let stored = try RunConfig(json: config.json)
        precondition(stored == config, "JSON gives another configuration: \(config.json)")
    }
}
