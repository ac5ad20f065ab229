import Collectives
import Kernels
import LlamaModel
import Objectives

/// Finds where the numbers of a step went wrong, by computing it once more and looking at everything on the way. So a bad
/// step costs as much again, and a good one nothing.
struct CulpritSearch {
    let step: TrainStep
    let lambda: Double

    /// Something that is no number, on this rank.
    private struct Finding {
        let place: StepPlace
        let lane: Int
        let samples: ClosedRange<Int>
    }

    private var state: TrainingState { step.state }
    private var layout: ParameterLayout { state.model.layout }

    /// To be called after `reduce`, with weights and position still those of the step; the gradients are lost. Collective.
    /// - Parameter laneSums: what this rank's lanes had the first time.
    func run(_ laneSums: [LossSums]) throws -> Culprit {
        let lanes = step.lanes.lanes(of: state.communicator.rank)
        let before = zip(lanes, laneSums).first { !$1.isFinite }
            .map { Finding(place: .head, lane: $0.0, samples: samples(lane: $0.0)) }
        let sum = firstTensor(of: layout.tensors.indices) { range in
            let owned = range.clamped(to: state.reducer.ownedRange)
            let first = owned.lowerBound - state.reducer.ownedRange.lowerBound
            return owned.isEmpty ? nil : state.reducer.ownedGradient[first..<(first + owned.count)]
        }
        // No rank may overwrite a sum that its owner still looks at.
        state.communicator.nodeBarrier()
        let again = lanes.enumerated().compactMap { search(lane: $1, localLane: $0) }
            .min { $0.place.order(layout) < $1.place.order(layout) }
        let norm = try state.reducer.reduce()
        let found = try gather(again)
        if let found { return try culprit(found, isRepeatable: true) }
        if let first = try gather(before) { return try culprit(first, isRepeatable: false) }
        let tensors = try state.communicator.allGather([Double(sum ?? -1)]).map { Int($0[0]) }
        let tensor = tensors.filter { $0 >= 0 }.max()
        return Culprit(
            place: tensor.map { StepPlace.gradientSum(tensor: $0).text(layout) } ?? "the sums over all ranks",
            origin: nil, isRepeatable: !norm.isFinite)
    }

    // MARK: - On this rank

    /// The first that is wrong in a lane; nil where nothing is.
    private func search(lane: Int, localLane: Int) -> Finding? {
        let gradients = state.reducer.beginLane(localLane)
        defer { state.reducer.endLane(localLane) }
        var found: Finding?
        for microBatch in 0..<step.source.batch.microBatchesPerLane {
            let batch = step.source.microBatch(microBatch, lane: lane, firstSample: state.samplesConsumed)
            let samples = samples(lane: lane, microBatch: microBatch)
            func note(_ place: StepPlace, _ samples: ClosedRange<Int>) {
                if found.map({ place.order(layout) < $0.place.order(layout) }) ?? true {
                    found = Finding(place: place, lane: lane, samples: samples)
                }
            }
            func look(at hidden: FloatSlice, _ place: StepPlace) {
                guard let element = hidden.firstNonFinite else { return }
                let sample = samples.lowerBound + element / (state.model.config.hiddenSize * batch.length)
                note(place, sample...sample)
            }
            let sums = step.compute(
                batch, lambda: lambda,
                GradientRequest(
                    gradients: gradients, accumulate: step.accumulates(microBatch, localLane: localLane),
                    globalTokens: step.globalTokens)
            ) { layer, before, after in
                if layer == 1 { look(at: before, .embedding) }
                look(at: after, .hiddenState(layer: layer))
            }
            if !sums.isFinite { note(.head, samples) }
            if found == nil, let tensor = firstTensor(of: layout.tensors.indices, in: { gradients[$0] }) {
                note(.gradient(tensor: tensor), samples)
            }
        }
        return found
    }

    /// The tensor, the last of the layout first as in the backward pass, that has an element that is no number.
    private func firstTensor(of tensors: Range<Int>, in part: (Range<Int>) -> FloatSlice?) -> Int? {
        tensors.reversed().first { part(layout.tensors[$0].range)?.firstNonFinite != nil }
    }

    private func samples(lane: Int, microBatch: Int? = nil) -> ClosedRange<Int> {
        let batch = step.source.batch
        let first = state.samplesConsumed + lane * batch.samplesPerLane + (microBatch ?? 0) * batch.microBatchSize
        return first...(first + (microBatch == nil ? batch.samplesPerLane : batch.microBatchSize) - 1)
    }

    // MARK: - Among the ranks

    /// The earliest place of all ranks, and there the lowest lane. Collective.
    private func gather(_ own: Finding?) throws -> (finding: Finding, rank: Int)? {
        let message = own.map {
            [$0.place.order(layout), $0.lane, $0.samples.lowerBound, $0.samples.upperBound].map(Double.init)
        }
        let all = try state.communicator.allGather(message ?? []).map { $0.map { Int($0) } }
        let first = all.indices.filter { !all[$0].isEmpty }.min { (all[$0][0], all[$0][1]) < (all[$1][0], all[$1][1]) }
        return first.map { rank in
            let values = all[rank]
            let finding = Finding(
                place: StepPlace(order: values[0], layout), lane: values[1], samples: values[2]...values[3])
            return (finding, rank)
        }
    }

    private func culprit(_ found: (finding: Finding, rank: Int), isRepeatable: Bool) throws -> Culprit {
        let own = state.communicator.topology.hostName
        let host = try state.communicator.broadcast(Array(own.utf8), from: found.rank)
        return Culprit(
            place: found.finding.place.text(layout),
            origin: Culprit.Origin(
                rank: found.rank, host: String(decoding: host, as: UTF8.self), lane: found.finding.lane,
                samples: found.finding.samples), isRepeatable: isRepeatable)
    }
}

extension LossSums {
    fileprivate var isFinite: Bool { values.allSatisfy(\.isFinite) }
}
