import Collectives
import Kernels

/// Weights and moments as they were at one step, on rank 0: what a checkpoint is written from while training goes on.
final class Snapshot: Sendable {
    let parameters: FloatSlice
    let firstMoment: FloatSlice
    let secondMoment: FloatSlice

    /// Takes 12 bytes for each of `count` parameters; the system finds them when the first copy is made.
    init(count: Int) {
        parameters = FloatArena(count: count).all
        firstMoment = FloatArena(count: count).all
        secondMoment = FloatArena(count: count).all
    }
}

extension TrainingState {
    /// Copies everything into rank 0's `snapshot`, which the others lack. Nobody changes a number until it is done.
    /// Collective.
    func copy(into snapshot: Snapshot?) throws {
        let team = model.team
        snapshot?.parameters.copy(from: model.parameters, team)
        for (moment, target) in [(firstMoment, snapshot?.firstMoment), (secondMoment, snapshot?.secondMoment)] {
            var next = 0
            try moment.gather { chunk in
                target?[next..<(next + chunk.count)].copy(from: chunk, team)
                next += chunk.count
            }
        }
    }
}

extension FloatSlice {
    fileprivate func copy(from source: FloatSlice, _ team: ThreadTeam) {
        team.forEachRange(of: count, minimum: 1 << 18) { self[$0].copy(from: source[$0]) }
    }
}
