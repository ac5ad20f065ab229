import Foundation
import Testing

/// How a program ended, and what it said.
struct Outcome: Sendable {
    let command: String
    let exitCode: Int32
    let output: String
    let errors: String
    let seconds: Double
}

extension Outcome {
    /// The command and the last of what it said, for people.
    private var account: String { "`\(command)` ended with \(exitCode) and said:\n…\(errors.suffix(1500))" }

    @discardableResult
    func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) -> Outcome {
        #expect(exitCode == 0, "\(account)", sourceLocation: sourceLocation)
        return self
    }

    /// Expects this exit code and each of these texts on stderr.
    @discardableResult
    func expectFailure(
        _ code: Int32, _ texts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) -> Outcome {
        #expect(exitCode == code, "\(account)", sourceLocation: sourceLocation)
        for text in texts {
            let isSaid = errors.contains(text)
            #expect(isSaid, "\"\(text)\" is missing: \(account)", sourceLocation: sourceLocation)
        }
        return self
    }

    /// How often `text` is on stderr.
    func count(of text: String) -> Int { errors.components(separatedBy: text).count - 1 }
}
