import Checkpoints
import Collectives
import Corpus
import Evaluation
import Foundation
import Kernels
import LlamaModel
import Logging

/// A training run from its configuration to its last checkpoint.
public final class Trainer {
    private let config: RunConfig
    private let communicator: any Communicator
    private let logger: Logger
    private let data: RunData
    private let state: TrainingState
    private let step: TrainStep
    private let evaluator: Evaluator?
    private let checkpointing: Checkpointing
    private var replicas: ReplicaCheck
    private let bitFlip: DebugBitFlip?
    private var stragglers: Stragglers
    /// Rank 0's.
    private var console: Console?
    private let started: ContinuousClock.Instant
    private let stopRequest: StopRequest
    private var memory = RunMemory()
    /// Of this start of the run.
    private let firstStep: Int

    /// Reads and checks everything, takes the memory, and fills it: with random weights, with those of
    /// `model.init_from`, or with a checkpoint. Collective.
    public init(
        _ options: TrainOptions, communicator: any Communicator, logger: Logger, watchdog: Watchdog
    ) throws {
        started = .now
        self.communicator = communicator
        self.logger = logger
        config = try RunConfig.loadTogether(
            file: options.configFile, overrides: options.overrides, communicator)
        if let note = try InputAgreement.note(onConfig: options.configFile, communicator) { logger.warning("\(note)") }
        watchdog.watch(limit: config.run.stallTimeout, log: config.run.out)
        Stage.data.begin()
        try communicator.together { [config] in
            if communicator.rank == 0 && options.configFile == nil {
                try QuickstartText.prepareIfMissing(config, logger)
            }
        }
        stopRequest = StopRequest(config.run, started: started, looksAtTheClock: communicator.rank == 0)
        data = try RunData(config, communicator)
        try InputAgreement.require(data, config.data.train + (config.data.validation ?? []), communicator)
        checkpointing = try Checkpointing(
            config: config, communicator: communicator, datasetFingerprint: data.train.fingerprint,
            tokenizer: data.tokenizer)
        try communicator.together { [checkpointing] in
            guard communicator.rank == 0, let warning = try checkpointing.takeDirectory() else { return }
            logger.warning("\(warning)")
        }
        let start = try Self.agree(on: options.resume, checkpointing, communicator)

        Stage.weights.begin()
        let team = ThreadBudget.team(config, communicator)
        state = try TrainingState(config, communicator: communicator, team: team)
        step = try TrainStep(config, state: state, source: BatchSource(data.train, config))
        evaluator = data.validation.map { [config] in
            Evaluator(
                communicator: communicator, dataset: $0,
                selection: Evaluator.Selection(
                    sequences: config.run.evaluationSequences, readoutSequences: config.run.readoutSequences,
                    batchSize: config.batch.microBatchSize, documentMask: config.data.documentMask))
        }
        switch start {
        case .checkpoint(let path, _): try checkpointing.restore(state, from: path)
        case .fresh:
            if let directory = config.model.initFrom {
                try checkpointing.initialize(state, from: directory)
            } else {
                try state.initialize(seed: config.run.seed)
            }
        }
        replicas = ReplicaCheck(state, hosts: watchdog.hosts)
        bitFlip = try DebugBitFlip.ofEnvironment()
        stragglers = Stragglers(hosts: watchdog.hosts, lanes: step.lanes)
        firstStep = state.step + 1
        try measureMemory()
        try communicator.together {
            guard communicator.rank == 0 else { return }
            console = try Console(
                config, communicator, logger, threads: team.size, data: data.summary, start: start, state: state,
                memory: memory)
        }
    }

    /// Trains to the last step, or until a signal or the time that is left ends it.
    public func run() throws -> ExitStatus {
        if state.step >= config.run.steps { logger.info("\(completedText)") }
        try evaluateIfOwed()
        var lap = ContinuousClock.now
        while state.step < config.run.steps {
            let result = try isTraced(state.step + 1) ? runTraced() : step.run(stop: wantedStop)
            Stage.log.begin()
            if Progress.isDue(result.step, config.run) { try measureMemory() }
            let now = ContinuousClock.now
            try console?.report(result, seconds: (now - lap).seconds, memory: memory)
            try reportWrittenCheckpoint()

            try endIfNoStepIsGood(result)
            try compareRanks(result)
            let isLast = state.step == config.run.steps
            if let reason = result.stop, !isLast {
                // Who wants a stop will not wait for an evaluation; if one is due here, the next start makes it.
                try checkpoint(runGoesOn: false)
                logger.notice(
                    "\(reason) after step \(state.step): start the same command again to go on from there")
                console?.summarize(steps: state.step)
                return .stoppedEarly
            }
            if isLast || isDue(every: config.run.evaluateEvery) { try evaluate() }
            if isLast || isCheckpointDue(result) { try checkpoint(runGoesOn: !isLast) }
            lap = .now
        }
        console?.summarize(steps: state.step)
        return .done
    }

    /// Says which ranks are slow, and ends the run where a node no longer has the weights of the others.
    private func compareRanks(_ result: StepResult) throws {
        for finding in stragglers.observe(result.ownSeconds) { console?.warn(finding) }
        bitFlip?.apply(after: state.step, communicator.topology, state.model.parameters)
        if isDue(every: config.run.checkReplicasEvery) { try compareReplicas() }
    }

    private func compareReplicas() throws {
        try replicas.run(step: state.step, finishSaving: waitForCheckpointWriter)
    }

    /// 0 means at the end only.
    private func isDue(every steps: Int) -> Bool { steps > 0 && state.step % steps == 0 }

    /// While steps are bad, checkpoints wait for the next good one: they must not push out those from before.
    private func isCheckpointDue(_ result: StepResult) -> Bool {
        let period = config.run.checkpointEvery
        guard period > 0 && result.bad == nil else { return false }
        return result.step / period > (result.step - 1 - result.skippedBefore) / period
    }

    /// Every rank sees the same sums, so all end together.
    private func endIfNoStepIsGood(_ result: StepResult) throws {
        guard let bad = result.bad, state.history.skippedInRow >= config.optimizer.maxBadSteps else { return }
        // A checkpoint that is being written is of a good step, and no rank may end the job before it is there.
        try communicator.together { try waitForCheckpointWriter() }
        console?.summarize(steps: state.step)
        throw TrainingError(
            bad.isRepeatable ? .data : .internal,
            "step \(result.step): \(bad.text). It is bad step \(state.history.skippedInRow) in a row "
                + "(optimizer.max_bad_steps). No weight was changed by them, and the checkpoints in \(config.run.out) are "
                + "whole. \(bad.remedy)", isTheSameOnEveryRank: true)
    }

    /// The third step that this start of the run takes, by which the memory is there; or its last.
    private func isTraced(_ step: Int) -> Bool {
        config.run.trace != nil && step == min(firstStep + 2, config.run.steps)
    }

    private func runTraced() throws -> StepResult {
        try communicator.barrier()
        let result = try step.run(recordsEvents: true, stop: wantedStop)
        Stage.log.begin()
        let trace = try StepTrace(result.times, communicator)
        try communicator.together {
            if let path = config.run.trace, communicator.rank == 0 { try trace.write(to: path) }
        }
        return result
    }

    private func evaluate() throws {
        Stage.evaluation.begin()
        guard let result = try evaluator?.evaluate(state.model) else { return }
        try console?.report(result, step: state.step)
    }

    /// The evaluation that the start before left out when it was stopped after this very step. Collective.
    private func evaluateIfOwed() throws {
        guard isDue(every: config.run.evaluateEvery) else { return }
        if try communicator.allReduceMax(console?.isEvaluationOwed == true ? 1 : 0) > 0 { try evaluate() }
    }

    /// Collective.
    /// - Parameter runGoesOn: if not, it is on the disk when this returns.
    private func checkpoint(runGoesOn: Bool = false) throws {
        try compareReplicas()
        Stage.writer.begin()
        try waitForCheckpointWriter()
        Stage.checkpoint.begin()
        try checkpointing.save(state, runGoesOn: runGoesOn)
        try reportWrittenCheckpoint()
    }

    /// Waits, on rank 0, for the checkpoint that is still being written.
    private func waitForCheckpointWriter() throws {
        checkpointing.waitForWriter()
        try reportWrittenCheckpoint()
    }

    /// What rank 0's writer has done since it was asked last. What went wrong there ends the run here.
    private func reportWrittenCheckpoint() throws {
        if let written = try checkpointing.takeWritten() { console?.report(written) }
    }

    private func wantedStop() -> StopReason? { stopRequest.reason(saving: checkpointing.secondsToSave(state)) }

    private var completedText: String {
        "this run is complete: step \(state.step) of \(config.run.steps). Raise run.steps to train on, or name another --out"
    }

    private func measureMemory() throws {
        let node = try MemoryAccount.ofThisNode(communicator)
        memory = RunMemory(rank: try MemoryAccount.ofThisProcess().proportional, node: node.proportional)
    }

    /// Rank 0 looks at the disk and decides; what it decided is what all do. Collective.
    private static func agree(
        on resume: ResumeChoice, _ checkpointing: Checkpointing, _ communicator: any Communicator
    ) throws -> Checkpointing.Start {
        let own = try communicator.together { () throws -> Checkpointing.Start? in
            communicator.rank == 0 ? try checkpointing.start(resume) : nil
        }
        let isFresh = own == .fresh
        let path: String = if case .checkpoint(let path, _) = own { path } else { "" }
        let told = try communicator.broadcast(Array((isFresh ? "" : path).utf8), from: 0)
        if let own { return own }
        return told.isEmpty ? .fresh : .checkpoint(path: String(decoding: told, as: UTF8.self), skipped: [])
    }
}
