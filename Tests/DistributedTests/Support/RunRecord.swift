import Evaluation
import Foundation

/// What a training run leaves that must not depend on the machine: the numbers of `metrics.jsonl`, in its order, and the
/// bytes of the last checkpoint.
struct RunRecord: Sendable {
    let steps: [StepNumbers]
    let evaluations: [EvaluationNumbers]
    /// By file name.
    let files: [String: Data]

    /// Of a line of `metrics.jsonl`, what the arithmetic alone decides.
    struct StepNumbers: Decodable, Equatable, Sendable {
        let step: Int
        let samples: Int
        let tokens: Int
        let loss: Double
        let ce: Double
        let jreg: Double
        let lambda: Double
        let displacement: [Double]
        let jumpRate: [Double]
        let gradNorm: Double
        let lr: Double
        let skipped: Int
        let bad: Fault?
    }

    /// What is told of a step that was skipped. Its text is what is compared, and leaves out the rank: that depends on their
    /// number.
    struct Fault: Decodable, Equatable, Sendable, CustomStringConvertible {
        let fault: String
        let place: String?
        let rank: Int?
        let lane: Int?
        let samples: [Int]?
        let repeatable: Bool?

        var description: String { "\(fault) \(place ?? "") \(lane ?? -1) \(samples ?? []) \(repeatable ?? true)" }
    }

    struct EvaluationNumbers: Decodable, Equatable, Sendable {
        let step: Int
        let evaluation: EvaluationResult
    }

    /// - Parameter directory: the output directory of a run.
    init(_ directory: String) throws {
        let log = try Metrics(directory)
        steps = log.steps
        evaluations = log.evaluations
        let checkpoint = try newestCheckpoint(directory)
        files = try ["model.safetensors", "optimizer.safetensors"].reduce(into: [:]) {
            $0[$1] = try Data(contentsOf: URL(filePath: checkpoint + "/" + $1))
        }
    }

    /// The first thing in which `other` differs to the last bit; nil where nothing does.
    func difference(from other: RunRecord) -> String? {
        if steps.isEmpty { return "there are no steps" }
        // As texts, which have all digits: a NaN must equal itself.
        for (own, theirs) in zip(steps, other.steps) where "\(own)" != "\(theirs)" { return "\(own) is not \(theirs)" }
        if steps.count != other.steps.count { return "there are \(steps.count) steps, not \(other.steps.count)" }
        if "\(evaluations)" != "\(other.evaluations)" { return "\(evaluations) is not \(other.evaluations)" }
        for (name, content) in files where content != other.files[name] { return "\(name) has other bytes" }
        return nil
    }

    /// The largest relative difference of a step's loss or gradient norm.
    func distance(from other: RunRecord) -> Double {
        guard steps.count == other.steps.count, !steps.isEmpty else { return .infinity }
        return zip(steps, other.steps).map {
            max(abs($0.loss / $1.loss - 1), abs($0.gradNorm / $1.gradNorm - 1))
        }.max()!
    }
}
