import Collectives
import Kernels
import LlamaModel
import Objectives
import Optimization

/// One step of training: the picture in the README, from microbatches to new weights.
///
/// The global batch is cut into lanes. A rank accumulates the microbatches of each of its lanes in order; lanes are summed
/// in one fixed tree over all ranks, so that neither their number nor their speed changes a bit.
struct TrainStep {
    let state: TrainingState
    let source: BatchSource
    let objective: Objective
    let activations: Activations
    let lanes: LaneAssignment
    let scalars: LaneScalars
    let schedule: LearningRateSchedule
    let maxGradNorm: Double
    let stepGuard: StepGuard
    /// Predicted tokens of the global batch, known before its first microbatch: the denominator of every mean.
    let globalTokens: Int

    init(_ config: RunConfig, state: TrainingState, source: BatchSource) throws {
        self.state = state
        self.source = source
        let (shape, batch) = (config.model.shape, config.batch)
        let team = state.model.team
        objective = Objective(
            config.objectiveSettings, config: shape, tokens: batch.microBatchSize * batch.sequenceLength, team: team)
        activations = Activations(
            shape, sequences: batch.microBatchSize, length: batch.sequenceLength,
            purpose: config.parallel.recompute ? .trainingWithRecompute : .training, teamSize: team.size)
        lanes = try LaneAssignment(lanes: batch.lanes, worldSize: state.communicator.worldSize)
        scalars = LaneScalars(communicator: state.communicator, lanes: lanes)
        schedule = config.learningRateSchedule
        maxGradNorm = config.optimizer.maxGradNorm
        stepGuard = StepGuard(config.optimizer)
        globalTokens = batch.tokensPerStep
    }

    /// Collective.
    /// - Parameters:
    ///   - wanted: asked when this rank's own work is done: why it wants the run to end after this step, if it does.
    ///   - recordsEvents: whether the result shall tell when each kernel ran.
    func run(recordsEvents: Bool = false, stop wanted: () -> StopReason? = { nil }) throws -> StepResult {
        let step = state.step + 1
        let lambda = objective.settings.lambda(atStep: step)
        let timeline = state.model.team.timeline
        timeline.start(recording: recordsEvents)
        Vitals.set(step: step)
        var clock = PhaseClock()
        var laneSums: [LossSums] = []

        let ownLanes = lanes.lanes(of: state.communicator.rank)
        for (localLane, lane) in ownLanes.enumerated() {
            let gradients = state.reducer.beginLane(localLane)
            var sums = LossSums(layers: state.model.config.numHiddenLayers)
            for microBatch in 0..<source.batch.microBatchesPerLane {
                let batch = source.microBatch(microBatch, lane: lane, firstSample: state.samplesConsumed)
                let isLast = microBatch == source.batch.microBatchesPerLane - 1 && localLane == ownLanes.count - 1
                sums += compute(
                    batch, lambda: lambda,
                    GradientRequest(
                        gradients: gradients, accumulate: accumulates(microBatch, localLane: localLane),
                        globalTokens: globalTokens),
                    begin: { phase in
                        clock.begin(phase)
                        if isLast && phase == .backward { state.reducer.beginReducing() }
                    }, finished: { if isLast { state.reducer.finished(from: $0) } })
            }
            state.reducer.endLane(localLane)
            laneSums.append(sums)
        }
        clock.begin(.reduce)
        timeline.measure(.wait) { state.communicator.nodeBarrier() }
        let (sums, ranks) = try scalars.sumOverLanes(
            laneSums.map(\.values), ofRank: [StopReason.flag(wanted()), clock.ownSeconds])
        let gradNorm = try timeline.measure(.reduce) { try state.reducer.reduce().squareRoot() }
        clock.begin(.update)

        let means = LossMeans(
            LossSums(values: sums), lambda: lambda, zLoss: objective.settings.zLoss)
        let learningRate = schedule.learningRate(atStep: step)
        let skippedBefore = state.history.skippedInRow
        var bad: BadStep?
        if let fault = stepGuard.judge(loss: means.total, gradNorm: gradNorm, &state.history) {
            bad = BadStep(fault: fault)
            if !fault.isSpike { bad?.culprit = try CulpritSearch(step: self, lambda: lambda).run(laneSums) }
            state.communicator.nodeBarrier()
        } else {
            state.optimizer.update(
                parameters: state.model.parameters[state.reducer.ownedRange], gradient: state.reducer.ownedGradient,
                step: step - state.history.skipped, learningRate: learningRate,
                gradientScale: gradientScale(norm: gradNorm, maxNorm: maxGradNorm))
            try timeline.measure(.wait) { try state.reducer.publish(state.model.parameters) }
        }
        clock.end()

        // A step that was skipped is over too, or the same text would come again for ever.
        state.step = step
        state.samplesConsumed += source.batch.globalBatchSize
        return StepResult(
            step: step, samples: state.samplesConsumed, means: means, lambda: lambda, learningRate: learningRate,
            gradNorm: gradNorm, bad: bad, skipped: state.history.skipped, skippedBefore: skippedBefore,
            times: StepTimes(clock, timeline), stop: StopReason(flags: ranks.map { $0[0] }),
            ownSeconds: ranks.map { $0[1] })
    }

    /// Forward, loss and backward of one microbatch: the arithmetic of a step before anything is summed.
    /// - Parameters:
    ///   - visit: sees each block's hidden states as soon as they are there.
    ///   - begin: is told as each of the three phases begins.
    ///   - finished: as of `Llama.backward`.
    func compute(
        _ batch: TokenBatch, lambda: Double, _ request: GradientRequest,
        visit: (_ layer: Int, _ before: FloatSlice, _ after: FloatSlice) -> Void = { _, _, _ in },
        begin: (Phase) -> Void = { _ in }, finished: (_ first: Int) -> Void = { _ in }
    ) -> LossSums {
        begin(.forward)
        state.model.forward(batch, activations) {
            objective.visit($0, before: $1, after: $2)
            visit($0, $1, $2)
        }
        begin(.head)
        let sums = objective.evaluate(state.model, batch, activations, gradient: request)
        begin(.backward)
        state.model.backward(batch, activations, gradients: request.gradients, accumulate: request.accumulate) {
            objective.addStateGradient($0, activations, $1, lambda: lambda, globalTokens: request.globalTokens)
        } finished: {
            finished($0)
        }
        return sums
    }

    /// Whether a microbatch adds to the gradient that it finds, or overwrites it.
    func accumulates(_ microBatch: Int, localLane: Int) -> Bool {
        microBatch > 0 || (localLane > 0 && state.reducer.accumulatesAcrossLanes)
    }
}

/// What a step did, the same on every rank but for `times`.
struct StepResult {
    let step: Int
    let samples: Int
    let means: LossMeans
    let lambda: Double
    let learningRate: Double
    /// Before clipping.
    let gradNorm: Double
    /// Why the update was left out; nil where it was made.
    let bad: BadStep?
    /// Steps of the run whose update was left out, this one included.
    let skipped: Int
    /// Of these, those that came directly before this step.
    let skippedBefore: Int
    let times: StepTimes
    /// Why the run ends after this step, on all ranks if any wants it.
    let stop: StopReason?
    /// Of each rank: what its own part of the step took, without any wait for others.
    let ownSeconds: [Double]
}

/// Where the time of a step went on this rank.
struct StepTimes {
    /// Seconds by phase, in the order of the step.
    let phases: [String: Double]
    /// Seconds by what was computed, whatever the phase; `other` is the rest of the step.
    let activities: [String: Double]
    let laps: [PhaseClock.Lap]
    /// Empty unless they were asked for.
    let events: [Timeline.Event]

    init(_ clock: PhaseClock, _ timeline: Timeline) {
        phases = clock.seconds
        laps = clock.laps
        events = timeline.events
        var activities = Dictionary(uniqueKeysWithValues: Activity.allCases.map { ($0.name, timeline[$0]) })
        activities["other"] = max(0, (clock.laps.last?.end ?? 0) - activities.values.reduce(0, +))
        self.activities = activities
    }
}
