import Checkpoints
import Collectives
import Kernels
import LlamaModel
import Optimization

/// All numbers of a run that outlive a step, and the ranks that share them: one copy per node of weights and moments.
final class TrainingState {
    let communicator: any Communicator
    let model: Llama
    let optimizer: AdamWOptimizer
    let firstMoment: ShardedArena
    let secondMoment: ShardedArena
    let reducer: GradientReducer
    /// Steps done, those included whose update was left out.
    var step = 0
    /// Sequences taken by all ranks together: the position in the data.
    var samplesConsumed = 0
    var history = StepHistory()

    /// Collective. Weights and moments are zero.
    init(_ config: RunConfig, communicator: any Communicator, team: ThreadTeam) throws {
        self.communicator = communicator
        let layout = ParameterLayout(config.model.shape)
        let sharding = config.sharding
        let parameters = try communicator.allocateShared(floats: layout.count, label: "the parameters").all
        firstMoment = try ShardedArena(
            communicator: communicator, count: layout.count, sharding: sharding, label: "AdamW's first moment")
        secondMoment = try ShardedArena(
            communicator: communicator, count: layout.count, sharding: sharding, label: "AdamW's second moment")
        reducer = try GradientReducer(
            communicator: communicator, count: layout.count, lanes: config.batch.lanes,
            mode: config.parallel.reduction == .fast ? .fast : .reproducible, sharding: sharding,
            wire: config.wireFormat)
        model = Llama(
            config.model.shape, parameters: parameters, maximumLength: config.batch.sequenceLength, team: team)
        optimizer = AdamWOptimizer(
            config.optimizer.adamW, range: reducer.ownedRange,
            groups: ParameterGroups(
                matrices: layout.tensors.filter(\.isMatrix).map(\.range), count: layout.count),
            firstMoment: firstMoment.owned, secondMoment: secondMoment.owned, team: team)
    }

    /// Fills the weights with random numbers, each rank its own part. Collective.
    func initialize(seed: Int) throws {
        model.layout.initialize(
            model.parameters, range: reducer.ownedRange, config: model.config, seed: UInt64(seed))
        try reducer.publish(model.parameters)
    }

    /// Makes weights that rank 0 has written those of every node. Collective.
    func publishFromRankZero() throws { try communicator.broadcastAcrossNodes(model.parameters) }
}
