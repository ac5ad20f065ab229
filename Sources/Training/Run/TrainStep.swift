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
        globalTokens = batch.tokensPerStep
    }

    /// Collective.
    /// - Parameters:
    ///   - wanted: asked when this rank's own work is done: why it wants the run to end behind this step, if it does.
    ///   - recordsEvents: whether the result shall tell when each kernel ran.
    func run(recordsEvents: Bool = false, stop wanted: () -> StopReason? = { nil }) throws -> StepResult {
        let update = state.step + 1
        let lambda = objective.settings.lambda(atStep: update)
        let timeline = state.model.team.timeline
        timeline.start(recording: recordsEvents)
        var clock = PhaseClock()
        var laneSums: [LossSums] = []

        let ownLanes = lanes.lanes(of: state.communicator.rank)
        for (localLane, lane) in ownLanes.enumerated() {
            let gradients = state.reducer.beginLane(localLane)
            var sums = LossSums(layers: state.model.config.numHiddenLayers)
            for microBatch in 0..<source.batch.microBatchesPerLane {
                let batch = source.microBatch(microBatch, lane: lane, firstSample: state.samplesConsumed)
                let accumulate = microBatch > 0 || (localLane > 0 && state.reducer.accumulatesAcrossLanes)
                let request = GradientRequest(
                    gradients: gradients, accumulate: accumulate, globalTokens: globalTokens)

                state.model.forward(batch, activations, visit: objective.visit)
                clock.lap(.forward)
                sums += objective.evaluate(state.model, batch, activations, gradient: request)
                clock.lap(.head)
                let isLast = microBatch == source.batch.microBatchesPerLane - 1 && localLane == ownLanes.count - 1
                if isLast { state.reducer.beginReducing() }
                state.model.backward(batch, activations, gradients: gradients, accumulate: accumulate) {
                    objective.addStateGradient($0, activations, $1, lambda: lambda, globalTokens: globalTokens)
                } finished: {
                    if isLast { state.reducer.finished(from: $0) }
                }
                clock.lap(.backward)
            }
            state.reducer.endLane(localLane)
            laneSums.append(sums)
        }
        timeline.measure(.wait) { state.communicator.nodeBarrier() }
        let (sums, ranks) = try scalars.sumOverLanes(
            laneSums.map(\.values), ofRank: [StopReason.flag(wanted())])
        let gradNorm = try timeline.measure(.reduce) { try state.reducer.reduce().squareRoot() }
        clock.lap(.reduce)

        let means = LossMeans(
            LossSums(values: sums), lambda: lambda, zLoss: objective.settings.zLoss)
        try requireFinite(means.total, gradNorm, update: update)
        let learningRate = schedule.learningRate(atStep: update)
        state.optimizer.update(
            parameters: state.model.parameters[state.reducer.ownedRange], gradient: state.reducer.ownedGradient,
            step: update, learningRate: learningRate,
            gradientScale: gradientScale(norm: gradNorm, maxNorm: maxGradNorm))
        try timeline.measure(.wait) { try state.reducer.publish(state.model.parameters) }
        clock.lap(.update)

        state.step = update
        state.samplesConsumed += source.batch.globalBatchSize
        return StepResult(
            step: update, samples: state.samplesConsumed, means: means, lambda: lambda, learningRate: learningRate,
            gradNorm: gradNorm, times: StepTimes(clock, timeline), stop: StopReason(flags: ranks.map { $0[0] }))
    }

    /// Every rank sees the same sums, so all stop together, before the weights are touched.
    private func requireFinite(_ loss: Double, _ gradNorm: Double, update: Int) throws {
        guard loss.isFinite && gradNorm.isFinite else {
            throw TrainingError(
                .internal,
                "step \(update): the loss is \(loss) and the gradient's norm \(gradNorm). The weights were left as they "
                    + "were and the checkpoints are whole; resume with a smaller optimizer.learning_rate or a longer "
                    + "optimizer.warmup_steps")
        }
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
    let times: StepTimes
    /// Why the run ends behind this step, on all ranks if any wants it.
    let stop: StopReason?
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
