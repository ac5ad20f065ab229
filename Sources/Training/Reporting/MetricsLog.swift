import Foundation

/// `metrics.jsonl`: a line for each step and each evaluation, in the order of the run, whatever was killed and resumed.
final class MetricsLog {
    private let file: FileHandle
    private let encoder = JSONEncoder.lines()

    /// Opens the log in `directory` for a run that goes on after step `step`: what was logged of later steps, which a
    /// resumed run takes again, is dropped.
    init(directory: String, keepingUpTo step: Int) throws {
        let path = directory + "/metrics.jsonl"
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Self.drop(after: step, in: path)
            if !FileManager.default.fileExists(atPath: path) {
                try Data().write(to: URL(filePath: path))
            }
            file = try FileHandle(forUpdating: URL(filePath: path))
            try file.seekToEnd()
        } catch {
            throw TrainingError(
                .internal,
                "cannot write \(path): \(error.localizedDescription); check that this user may write there, or choose "
                    + "another --out")
        }
    }

    func write(_ record: some Encodable) throws {
        do {
            try file.write(contentsOf: encoder.encode(record) + [UInt8(ascii: "\n")])
        } catch {
            throw TrainingError(.internal, "cannot write metrics.jsonl: \(error.localizedDescription)")
        }
    }

    private struct Position: Decodable {
        let step: Int
    }

    /// Rewrites the file beside itself and renames, so that a kill leaves the old or the new one. A last line that a kill
    /// cut short is no JSON and goes too.
    private static func drop(after step: Int, in path: String) throws {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
        let lines = text.split(separator: "\n")
        let kept = lines.filter { line in
            guard let position = try? JSONDecoder().decode(Position.self, from: Data(line.utf8)) else { return false }
            return position.step <= step
        }
        if kept.count == lines.count && (text.isEmpty || text.hasSuffix("\n")) { return }
        try Data(kept.map { $0 + "\n" }.joined().utf8).write(to: URL(filePath: path), options: .atomic)
    }
}
