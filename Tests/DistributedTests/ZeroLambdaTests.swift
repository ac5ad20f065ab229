import Foundation
import Testing

extension EndToEnd {
    /// With λ = 0 the regularizer is not there, whatever its other keys say.
    struct ZeroLambdaTests {
        @Test func isThePlainRunToTheLastBit() async throws {
            let workspace = try Workspace()
            func run(_ out: String, _ settings: String...) async throws -> RunRecord {
                try await workspace.train(settings.map { "objective.jreg." + $0 }, out: out).expectSuccess()
                return try RunRecord(workspace(out))
            }
            let plain = try await run("plain", "lambda=0")
            #expect(plain.steps.allSatisfy { $0.jreg == 0 && $0.lambda == 0 })
            #expect(plain.steps.allSatisfy { $0.displacement.allSatisfy { $0 > 0 } })
            #expect(try await run("alpha", "lambda=0", "alpha=0").difference(from: plain) == nil)
            #expect(try await run("final", "lambda=0", "kind=final").difference(from: plain) == nil)
            #expect(
                try await run("jump", "lambda=0", "kind=jump-rate", "from=1", "warmup_steps=5").difference(from: plain)
                    == nil)

            let regularized = try await run("regularized", "lambda=3", "warmup_steps=0")
            #expect(regularized.steps[0].ce == plain.steps[0].ce)
            #expect(regularized.steps[0].loss > plain.steps[0].loss)
            #expect(regularized.files != plain.files)
        }
    }
}
