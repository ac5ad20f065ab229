import Foundation

/// The lines of `metrics.jsonl`.
struct Metrics {
    let steps: [RunRecord.StepNumbers]
    let evaluations: [RunRecord.EvaluationNumbers]
    /// What the run itself says of the memory of its node, at each step, in bytes.
    let nodeMemory: [Int]

    /// - Parameter directory: the output directory of a run.
    init(_ directory: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        // An evaluation names its keys itself.
        let plainDecoder = JSONDecoder()
        for decoder in [decoder, plainDecoder] {
            decoder.nonConformingFloatDecodingStrategy = .convertFromString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        }
        var steps: [RunRecord.StepNumbers] = []
        var evaluations: [RunRecord.EvaluationNumbers] = []
        var memory: [Int] = []
        for line in try Self.lines(directory) {
            if line.contains("\"evaluation\"") {
                evaluations.append(try plainDecoder.decode(RunRecord.EvaluationNumbers.self, from: Data(line.utf8)))
            } else {
                steps.append(try decoder.decode(RunRecord.StepNumbers.self, from: Data(line.utf8)))
                memory.append(try decoder.decode(Memory.self, from: Data(line.utf8)).nodeMemory)
            }
        }
        (self.steps, self.evaluations, nodeMemory) = (steps, evaluations, memory)
    }

    private struct Memory: Decodable {
        let nodeMemory: Int
    }

    /// The last step that a run, which may be going on, has logged; 0 before the first.
    static func lastStep(_ directory: String) -> Int {
        struct Position: Decodable {
            let step: Int
        }
        // The last line may be there in part only.
        return ((try? lines(directory)) ?? []).suffix(2).reversed()
            .compactMap { try? JSONDecoder().decode(Position.self, from: Data($0.utf8)).step }.first ?? 0
    }

    private static func lines(_ directory: String) throws -> [Substring] {
        try String(contentsOfFile: directory + "/metrics.jsonl", encoding: .utf8).split(separator: "\n")
    }
}
