import Checkpoints

/// How far a run is: for people, and for scripts that cannot rely on the exit code of a launcher (srun's is 0 where some tasks
/// could not be launched at all).
public struct RunStatus: CustomStringConvertible {
    private let directory: String
    /// Up to which everything is saved; 0 before the first checkpoint.
    private let savedStep: Int
    private let steps: Int

    /// Looks for the newest complete checkpoint in the output directory. Reads no large file, and changes nothing.
    /// - Throws: every problem of the configuration at once; `CheckpointError` if the directory cannot be read.
    public init(_ options: TrainOptions) throws {
        let config = try RunConfig.load(file: options.configFile, overrides: options.overrides)
        let store = try CheckpointStore(directory: config.run.out, keep: config.run.keepCheckpoints)
        (directory, steps) = (config.run.out, config.run.steps)
        if let newest = try store.list().last {
            // What it began with may be gone by now.
            savedStep = newest.step
        } else if case .path(let path) = options.resume {
            // Where that has gone as far already, there is nothing to do, and nothing is written.
            savedStep = try Checkpoint(path: path).state.step
        } else {
            savedStep = 0
        }
    }

    public var exitStatus: ExitStatus { savedStep >= steps ? .done : .stoppedEarly }

    public var description: String {
        if exitStatus == .done { return "\(directory) is complete: step \(savedStep) of \(steps)" }
        if savedStep == 0 { return "\(directory) has no checkpoint yet; the run is of \(steps) steps" }
        return "\(directory) is saved up to step \(savedStep) of \(steps)"
    }
}
