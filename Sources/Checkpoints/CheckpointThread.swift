import Dispatch
import Synchronization

/// A thread that writes checkpoints while its owner goes on: one at a time.
///
/// One thread owns it and hears of the outcome when it asks, so that an error comes up where it can end the run.
public final class CheckpointThread<Written: Sendable>: Sendable {
    private let queue = DispatchQueue(label: "checkpoint writer", qos: .utility)
    private let state = Mutex(State())

    private struct State {
        var isBusy = false
        var outcome: Result<Written, any Error>?
    }

    public init() {}

    /// Whether a checkpoint is being written.
    public var isBusy: Bool { state.withLock { $0.isBusy } }

    /// Runs `write` on the thread. The outcome of the one before must have been taken.
    public func start(_ write: @escaping @Sendable () throws -> Written) {
        state.withLock {
            precondition(!$0.isBusy && $0.outcome == nil, "a checkpoint is being written, or nobody asked how it went")
            $0.isBusy = true
        }
        queue.async { [self] in
            let outcome = Result(catching: write)
            state.withLock { $0 = State(isBusy: false, outcome: outcome) }
        }
    }

    /// Waits until nothing is being written.
    public func wait() { queue.sync {} }

    /// What was written since the last call, if anything.
    /// - Throws: what ended the writing.
    public func take() throws -> Written? {
        let outcome = state.withLock { state in
            defer { state.outcome = nil }
            return state.outcome
        }
        return try outcome?.get()
    }
}
