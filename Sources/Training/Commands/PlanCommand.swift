import Checkpoints
import Kernels

/// What `plan` is asked.
public struct PlanOptions: Sendable {
    public var configFile: String?
    public var overrides: [String]
    public var ranks: Int
    public var ranksPerNode: Int?
    public var threads: Int?

    public init(configFile: String?, overrides: [String], ranks: Int, ranksPerNode: Int?, threads: Int?) {
        self.configFile = configFile
        self.overrides = overrides
        self.ranks = ranks
        self.ranksPerNode = ranksPerNode
        self.threads = threads
    }

    /// - Throws: every problem of the configuration at once.
    public func plan() throws -> Plan {
        let config = try RunConfig.load(file: configFile, overrides: overrides)
        if let problem = config.problems(worldSize: ranks).first { throw TrainingError(.usage, problem) }
        return Plan(
            config, worldSize: ranks, ranksPerNode: ranksPerNode ?? ranks,
            threads: threads ?? config.parallel.threadsPerRank ?? 1)
    }
}
