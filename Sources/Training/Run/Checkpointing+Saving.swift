import Checkpoints
import Collectives
import Kernels
import LlamaModel

/// A checkpoint that is whole on the disk, and what it cost.
struct WrittenCheckpoint: Sendable {
    let path: String
    let step: Int
    let secondsToWrite: Double
    /// For which training stood still.
    let secondsOfStandstill: Double
    /// For which, of these, training waited for the checkpoint before.
    let secondsWaited: Double
}

extension Checkpointing {
    /// Saves the run as it stands. Collective.
    ///
    /// While the run goes on, training stands still for a copy only, and rank 0's writer does the rest; `takeWritten` tells
    /// when. At the end of a run, and where `run.checkpoint_in_background` is off, the files are written from the state
    /// itself, and are on the disk when this returns. `waitForWriter` must have been called, and `takeWritten` after it.
    func save(_ state: TrainingState, runGoesOn: Bool) throws {
        let content = communicator.rank == 0 ? try content(state) : nil
        if runGoesOn && config.run.checkpointInBackground {
            try saveInBackground(state, content)
        } else {
            try saveInPlace(state, content)
        }
        secondsWaited = 0
    }

    private func saveInBackground(_ state: TrainingState, _ content: CheckpointContent?) throws {
        let begin = ContinuousClock.now
        if content != nil && snapshot == nil { snapshot = Snapshot(count: state.model.layout.count) }
        try state.copy(into: snapshot)
        guard let content, let snapshot else { return }
        let (waited, copied) = (secondsWaited, (ContinuousClock.now - begin).seconds)
        writer.start { [store, lock] in
            // No other run may begin while this one still writes.
            defer { withExtendedLifetime(lock) {} }
            let begin = ContinuousClock.now
            let path = try content.save(in: store, parameters: snapshot.parameters) { file in
                try file.append(snapshot.firstMoment)
                try file.append(snapshot.secondMoment)
            }
            return WrittenCheckpoint(
                path: path, step: content.state.step, secondsToWrite: (ContinuousClock.now - begin).seconds,
                secondsOfStandstill: waited + copied, secondsWaited: waited)
        }
    }

    private func saveInPlace(_ state: TrainingState, _ content: CheckpointContent?) throws {
        let begin = ContinuousClock.now
        let path = try content?.save(in: store, parameters: state.model.parameters) { file in
            try state.firstMoment.gather(file.append)
            try state.secondMoment.gather(file.append)
        }
        if path == nil {
            try state.firstMoment.gather { _ in }
            try state.secondMoment.gather { _ in }
        }
        // The others end when it is on the disk, or with the error that kept it from there.
        try communicator.barrier()
        let seconds = (ContinuousClock.now - begin).seconds
        writtenInPlace = path.map {
            WrittenCheckpoint(
                path: $0, step: state.step, secondsToWrite: seconds, secondsOfStandstill: secondsWaited + seconds,
                secondsWaited: 0)
        }
    }

    /// Waits until the writer has nothing left to do. On the other ranks it never has.
    func waitForWriter() {
        guard writer.isBusy else { return }
        let begin = ContinuousClock.now
        writer.wait()
        secondsWaited = (ContinuousClock.now - begin).seconds
    }

    /// The checkpoint that came to the disk since the last call, if any.
    /// - Throws: what kept the writer from it.
    func takeWritten() throws -> WrittenCheckpoint? {
        defer { writtenInPlace = nil }
        let written = try writtenInPlace ?? writer.take()
        if let written { lastWrite = written.secondsToWrite }
        return written
    }

    /// The seconds that a checkpoint takes from now on, as the last one did; before the first, as at 200 MB/s. Rank 0 alone
    /// can tell.
    func secondsToSave(_ state: TrainingState) -> Double {
        let one = lastWrite ?? Double(CheckpointWriter.byteCount(state.model.layout)) / 200e6
        // The one that is being written comes first.
        return writer.isBusy ? 2 * one : one
    }

    private func content(_ state: TrainingState) throws -> CheckpointContent {
        CheckpointContent(
            state: try trainerState(state), layout: state.model.layout,
            config: HuggingFaceConfig(model: config.model.shape, specialTokens: specialTokens),
            tokenizer: (tokenizer?.files ?? []).map { ($0.name, Array($0.content)) })
    }
}

/// What a checkpoint holds besides the numbers.
private struct CheckpointContent: Sendable {
    let state: TrainerState
    let layout: ParameterLayout
    let config: HuggingFaceConfig
    let tokenizer: [(name: String, bytes: [UInt8])]

    /// - Parameter moments: appends all of the first, then all of the second.
    func save(
        in store: CheckpointStore, parameters: FloatSlice, moments: (SafetensorsWriter) throws -> Void
    ) throws -> String {
        try store.save(state, expectedBytes: CheckpointWriter.byteCount(layout)) { writer in
            try writer.addModel(config, layout, parameters: parameters)
            for file in tokenizer { try writer.add(file.name, bytes: file.bytes) }
            try writer.addMoments(layout, body: moments)
        }
    }
}
