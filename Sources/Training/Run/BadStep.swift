import LlamaModel

/// A step whose update was left out, the same on every rank.
public struct BadStep: Sendable, Equatable {
    public enum Fault: Sendable, Equatable {
        /// The loss is infinite or no number.
        case loss(Double)
        /// The loss is a number, but the norm of the gradient is not.
        case gradient(norm: Double)
        /// The loss is so many standard deviations above the mean of those before.
        case spike(loss: Double, score: Double, mean: Double)

        var isSpike: Bool { if case .spike = self { true } else { false } }
    }

    let fault: Fault
    /// Where the first number that is none came up; nil for a spike.
    var culprit: Culprit?

    var faultText: String {
        switch fault {
        case .loss(let loss): "the loss is \(loss)"
        case .gradient(let norm): "the gradient's norm is \(norm)"
        case .spike(let loss, let score, let mean):
            "the loss is \(loss.text(4)), \(score.text(1)) standard deviations above the last ones (\(mean.text(4)))"
        }
    }

    /// Whether the step is bad however often it is computed: if not, neither the data nor the settings are to blame.
    var isRepeatable: Bool { culprit?.isRepeatable ?? true }

    /// What helps where one bad step follows another.
    var remedy: String {
        guard isRepeatable else {
            return
                "Run it without \(culprit?.origin?.host ?? "the host that they come from"): start the same command again "
                + "on other hosts"
        }
        return
            "Go on from the newest with a smaller optimizer.learning_rate, a longer optimizer.warmup_steps or a smaller "
            + "optimizer.max_grad_norm; or from an earlier one, into another --out (--resume PATH), if the loss had risen before"
    }

    /// All in one line.
    var text: String { faultText + (culprit.map { "; " + $0.text } ?? "") }
}

/// Where the numbers of a bad step first went wrong.
struct Culprit: Sendable, Equatable {
    /// What was the first to be no number, in words.
    let place: String
    /// Who computed it; nil where it was there only in the sum of all.
    let origin: Origin?
    /// Whether the same came up when the step was computed once more.
    let isRepeatable: Bool

    struct Origin: Sendable, Equatable {
        let rank: Int
        let host: String
        let lane: Int
        /// Of the data, in the order of the run.
        let samples: ClosedRange<Int>
    }

    var text: String {
        guard let origin else { return "first seen in \(place)" }
        let samples =
            origin.samples.count == 1
            ? "sample \(origin.samples.lowerBound)"
            : "samples \(origin.samples.lowerBound) to \(origin.samples.upperBound)"
        let found =
            "first seen in \(place), in \(samples) (lane \(origin.lane)) on rank \(origin.rank) (\(origin.host))"
        return isRepeatable
            ? found
            : found + ", but not when the step was computed once more: suspect the memory or the processor of that host"
    }
}

/// What a step computes, in its order: the earlier of two places is the one that the other has its numbers from.
enum StepPlace: Sendable, Equatable {
    case embedding
    /// h_l, from 1.
    case hiddenState(layer: Int)
    /// Final norm, logits and cross-entropy.
    case head
    /// Of the tensor of this index in the layout.
    case gradient(tensor: Int)
    /// All lanes had numbers, their sum has none.
    case gradientSum(tensor: Int)

    /// The place in the order of a step, where tensors come in the order of the backward pass.
    func order(_ layout: ParameterLayout) -> Int {
        let (layers, tensors) = (layout.blocks.count, layout.tensors.count)
        return switch self {
        case .embedding: 0
        case .hiddenState(let layer): layer
        case .head: layers + 1
        case .gradient(let tensor): layers + 1 + tensors - tensor
        case .gradientSum(let tensor): layers + 1 + 2 * tensors - tensor
        }
    }

    /// The inverse.
    init(order: Int, _ layout: ParameterLayout) {
        let (layers, tensors) = (layout.blocks.count, layout.tensors.count)
        self =
            switch order {
            case ...0: .embedding
            case ...layers: .hiddenState(layer: order)
            case layers + 1: .head
            case ...(layers + 1 + tensors): .gradient(tensor: layers + 1 + tensors - order)
            default: .gradientSum(tensor: layers + 1 + 2 * tensors - order)
            }
    }

    func text(_ layout: ParameterLayout) -> String {
        switch self {
        case .embedding: "the embedding"
        case .hiddenState(let layer): "the hidden states after layer \(layer) of \(layout.blocks.count)"
        case .head: "the head (final norm, logits, cross-entropy)"
        case .gradient(let tensor): "the gradient of \(layout.tensors[tensor].name)"
        case .gradientSum(let tensor): "the sum of the lanes' gradients of \(layout.tensors[tensor].name)"
        }
    }
}
