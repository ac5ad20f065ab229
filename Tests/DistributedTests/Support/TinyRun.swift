import Foundation
import Testing

/// A run that takes a part of a second, with everything in it that could depend on the number of ranks: grouped heads, a
/// regularizer with a warm-up, z-loss, clipping, two microbatches to a lane, shuffled epochs, evaluations.
enum TinyRun {
    static let steps = 12

    static let config = """
        model:
          {hidden_size: 48, intermediate_size: 56, num_hidden_layers: 3, num_attention_heads: 6, num_key_value_heads: 2,
           vocab_size: 101, max_position_embeddings: 64, tie_word_embeddings: false}
        data: {train: [\(Repository.shard)], validation: [\(Repository.shard)]}
        objective: {z_loss: 1.0e-3, jreg: {lambda: 3.0, alpha: 1.0, warmup_steps: 4}}
        optimizer: {learning_rate: 0.01, warmup_steps: 3, max_grad_norm: 1.0}
        batch: {sequence_length: 32, micro_batch_size: 1, global_batch_size: 16, lanes: 8}
        run: {steps: \(steps), evaluate_every: 5, evaluation_sequences: 7, readout_sequences: 3, checkpoint_every: 0}
        """

    /// What the tiny run leaves on one process without mpirun.
    static let alone = Task { () async throws -> RunRecord in
        let workspace = try Workspace()
        try await workspace.train().expectSuccess()
        return try RunRecord(workspace("run"))
    }
}

extension Workspace {
    /// Trains the tiny run, or that of `config`, into the directory `out` of the workspace.
    func train(
        _ settings: [String] = [], config: String = TinyRun.config, out: String = "run", resume: String = "auto",
        on launch: Launch = .alone
    ) async throws -> Outcome {
        try await jregDist(trainArguments(settings, config: config, out: out, resume: resume), on: launch)
    }

    func trainArguments(
        _ settings: [String] = [], config: String = TinyRun.config, out: String = "run", resume: String = "auto"
    ) throws -> [String] {
        let file = try write(config, "config.yaml")
        return ["train", "--config", file, "--out", self(out), "--resume", resume]
            + settings.flatMap { ["--set", $0] }
    }
}

extension Outcome {
    /// The command and the last of what it said, for people.
    private var account: String { "`\(command)` ended with \(exitCode) and said:\n…\(errors.suffix(1500))" }

    @discardableResult
    func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) -> Outcome {
        #expect(exitCode == 0, "\(account)", sourceLocation: sourceLocation)
        return self
    }

    /// Expects this exit code and each of these texts on stderr.
    @discardableResult
    func expectFailure(
        _ code: Int32, _ texts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) -> Outcome {
        #expect(exitCode == code, "\(account)", sourceLocation: sourceLocation)
        for text in texts {
            let isSaid = errors.contains(text)
            #expect(isSaid, "\"\(text)\" is missing: \(account)", sourceLocation: sourceLocation)
        }
        return self
    }

    /// How often `text` is on stderr.
    func count(of text: String) -> Int { errors.components(separatedBy: text).count - 1 }
}
