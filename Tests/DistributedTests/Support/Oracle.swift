import Foundation
import Testing

/// The Python that transformers is installed for.
enum Oracle {
    static let python: String? = {
        let path = ProcessInfo.processInfo.environment["JREG_ORACLE_PYTHON"]
        return path.flatMap { FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil }
    }()

    /// What `Tests/Reference/check_transformers.py` says of a checkpoint; the logits go into a file.
    struct Report: Decodable {
        let parameters: Int
        let modelType: String
        let missingKeys: [String]
        let unexpectedKeys: [String]
        let mismatchedKeys: [String]
        let tokenizer: TokenizerReport?

        struct TokenizerReport: Decodable {
            let vocabulary: Int
            let bos: Int?
            let eos: Int?
            let ids: [Int]
            let decoded: String
        }
    }

    static func open(_ checkpoint: String, tokens: String, logits: String, text: String) async throws -> Report {
        let script = "Tests/Reference/check_transformers.py"
        let program = try RunningProgram(
            [try #require(python), script, checkpoint, tokens, logits, "--text", text],
            environment: ["HF_HUB_OFFLINE": "1"])
        let outcome = try await program.end(within: .seconds(180)).expectSuccess()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Report.self, from: Data(outcome.output.utf8))
    }
}
