import Foundation
import Testing

extension EndToEnd {
    /// Twenty steps from given weights, over unshuffled data, with AdamW, clipping, warm-up and cosine, against the numbers
    /// of the float64 reference.
    struct LossTraceTests {
        private struct Step: Decodable {
            let loss: Double
            let ce: Double
            let jreg: Double
            let gradNorm: Double
            let learningRate: Double
            let displacement: [Double]
            let jumpRate: [Double]
        }

        @Test func agreesWithTheReference() async throws {
            let workspace = try Workspace()
            try await jregDist(["--config", "Tests/Fixtures/trace/config.yaml", "--out", workspace("run")])
                .expectSuccess()

            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            let expected = try decoder.decode(
                [Step].self, from: Data(contentsOf: URL(filePath: Repository.fixtures + "trace/expected.json")))
            let found = try RunRecord(workspace("run")).steps
            #expect(found.map(\.step) == Array(1...20) && expected.count == 20)
            for (found, expected) in zip(found, expected) {
                func agree(_ name: String, _ found: Double, _ expected: Double, absolute: Double = 0) {
                    #expect(
                        abs(found - expected) <= 1e-4 * abs(expected) + absolute, "\(name) is \(found), not \(expected)"
                    )
                }
                agree("loss", found.loss, expected.loss)
                agree("ce", found.ce, expected.ce)
                agree("jreg", found.jreg, expected.jreg)
                agree("grad_norm", found.gradNorm, expected.gradNorm)
                agree("lr", found.lr, expected.learningRate)
                for (found, expected) in zip(found.displacement, expected.displacement) {
                    agree("displacement", found, expected)
                }
                // A difference of neighbouring displacements, times 100: their errors are those of the larger ones.
                let slack = 100 * 1e-4 * expected.displacement.max()!
                for (found, expected) in zip(found.jumpRate, expected.jumpRate) {
                    agree("jump_rate", found, expected, absolute: slack)
                }
                #expect(found.displacement.count == 3 && found.jumpRate.count == 3)
            }
        }
    }
}
