import Collectives
import FileSafety
import Foundation
import Kernels

/// One step of all ranks as a Chrome trace (`chrome://tracing`, ui.perfetto.dev): a process for each node, a line for each
/// rank, and on it the phases of the step above the kernels. Format: "Trace Event Format", complete events.
struct StepTrace: Encodable {
    private struct Event: Encodable {
        let name: String
        let cat: String
        let ph = "X"
        /// Microseconds.
        let ts: Double
        let dur: Double
        let pid: Int
        let tid: Int
    }

    private struct Label: Encodable {
        let name: String
        let ph = "M"
        let pid: Int
        let tid: Int
        let args: [String: String]
    }

    private enum Item: Encodable {
        case event(Event)
        case label(Label)

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .event(let event): try event.encode(to: encoder)
            case .label(let label): try label.encode(to: encoder)
            }
        }
    }

    private let traceEvents: [Item]
    private let displayTimeUnit = "ms"

    /// Times count from each rank's own start of the step, so a barrier should come just before it. Collective.
    init(_ times: StepTimes, _ communicator: any Communicator) throws {
        let own =
            times.laps.flatMap { [Double(Phase.allCases.firstIndex(of: $0.phase)!), $0.begin, $0.end] }
            + times.events.flatMap { [Double(Phase.allCases.count + $0.activity.rawValue), $0.begin, $0.end] }
        let all = try communicator.allGather(own)
        let names =
            Phase.allCases.map { ($0.rawValue, "phase") } + Activity.allCases.map { ($0.name, "kernel") }
        let topology = communicator.topology
        traceEvents = all.enumerated().flatMap { rank, numbers -> [Item] in
            let node = (0..<topology.nodeCount).first { topology.ranks(ofNode: $0).contains(rank) } ?? 0
            let label = Label(name: "thread_name", pid: node, tid: rank, args: ["name": "rank \(rank)"])
            return [.label(label)]
                + stride(from: 0, to: numbers.count, by: 3).map { index in
                    let (name, category) = names[Int(numbers[index])]
                    let (begin, end) = (numbers[index + 1] * 1e6, numbers[index + 2] * 1e6)
                    return .event(
                        Event(name: name, cat: category, ts: begin, dur: end - begin, pid: node, tid: rank))
                }
        }
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        do {
            try encoder.encode(self).write(to: URL(filePath: path))
        } catch {
            throw TrainingError(.internal, "cannot write run.trace \(path): \(error.fileReason)")
        }
    }
}
