import FileSafety
import Foundation

/// `metrics.jsonl`: a line for each step and each evaluation, in the order of the run, whatever was killed and resumed.
final class MetricsLog {
    private let file: FileHandle
    private let encoder = JSONEncoder.lines()
    /// Whether the last line that was kept is that of step `step`, without an evaluation behind it.
    let endsWithAStep: Bool

    /// Opens the log in `directory` for a run that goes on after step `step`: what was logged of later steps, which a
    /// resumed run takes again, is dropped.
    init(directory: String, keepingUpTo step: Int) throws {
        let path = directory + "/metrics.jsonl"
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            endsWithAStep = try Self.drop(after: step, in: path).map { $0.step == step && !$0.isEvaluation } ?? false
            if !FileManager.default.fileExists(atPath: path) {
                try Data().write(to: URL(filePath: path))
            }
            file = try FileHandle(forUpdating: URL(filePath: path))
            try file.seekToEnd()
        } catch {
            throw TrainingError(
                .internal,
                "cannot write \(path): \(error.fileReason); check that this user may write there, or choose "
                    + "another --out")
        }
    }

    func write(_ record: some Encodable) throws {
        do {
            try file.write(contentsOf: encoder.encode(record) + [UInt8(ascii: "\n")])
        } catch {
            throw TrainingError(.internal, "cannot write metrics.jsonl: \(error.fileReason)")
        }
    }

    private struct Line: Decodable {
        let step: Int
        let isEvaluation: Bool

        private enum CodingKeys: CodingKey { case step, evaluation }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            step = try values.decode(Int.self, forKey: .step)
            isEvaluation = values.contains(.evaluation)
        }
    }

    /// Rewrites the file beside itself and renames, so that a kill leaves the old or the new one. A last line that a kill
    /// cut short is no JSON and goes too.
    /// - Returns: the last line that stays.
    private static func drop(after step: Int, in path: String) throws -> Line? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n")
        var last: Line?
        let kept = lines.filter { text in
            guard let line = try? UntrustedJSON.decode(Line.self, from: Data(text.utf8)), line.step <= step else {
                return false
            }
            last = line
            return true
        }
        if kept.count < lines.count || !(text.isEmpty || text.hasSuffix("\n")) {
            try Data(kept.map { $0 + "\n" }.joined().utf8).write(to: URL(filePath: path), options: .atomic)
        }
        return last
    }
}
