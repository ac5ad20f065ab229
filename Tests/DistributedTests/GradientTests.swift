import Checkpoints
import Foundation
import Testing

extension EndToEnd {
    /// Loss terms, displacements and every gradient that `grad` writes, against the float64 reference that
    /// Tests/Fixtures/generate.py has stored.
    struct GradientTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            let name: String
            let model: String
            let set: [String]

            var testDescription: String { name }

            static func all() throws -> [Case] {
                let file = URL(filePath: Repository.fixtures + "gradients/cases.json")
                return try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
            }
        }

        @Test(arguments: try Case.all(), [false, true])
        func agreeWithTheReference(_ gradient: Case, recompute: Bool) async throws {
            let out = workspace("grad.safetensors")
            let settings = gradient.set + ["parallel.recompute=\(recompute)"]
            try await jregDist(
                [
                    "grad", "--checkpoint", "Tests/Fixtures/models/\(gradient.model)", "--tokens",
                    "Tests/Fixtures/tokens.json", "--out", out,
                ] + settings.flatMap { ["--set", $0] }
            ).expectSuccess()

            let found = try SafetensorsFile(out)
            let wanted = try SafetensorsFile(Repository.fixtures + "gradients/\(gradient.name).safetensors")
            #expect(Set(found.tensors.keys) == Set(wanted.tensors.keys))
            for (name, tensor) in wanted.tensors {
                #expect(found.tensors[name]?.shape == tensor.shape, "the shape of \(name)")
                let error = relativeError(try found.doubles(name), try wanted.doubles(name))
                #expect(error <= 1e-4, "\(name) is off by \(error)")
            }
        }

        /// Recomputation runs the same kernels on the same numbers, so it leaves no trace in any bit.
        @Test func recomputationChangesNoBit() async throws {
            for recompute in [false, true] {
                try await jregDist([
                    "grad", "--checkpoint", "Tests/Fixtures/models/gqa", "--tokens", "Tests/Fixtures/tokens.json",
                    "--out", workspace("\(recompute)"), "--set", "parallel.recompute=\(recompute)",
                ]).expectSuccess()
            }
            let files = try contents(workspace.path)
            #expect(files["true"] == files["false"])
        }

        @Test func refusesOtherSettings() async throws {
            try await jregDist([
                "grad", "--checkpoint", "Tests/Fixtures/models/gqa", "--tokens", "Tests/Fixtures/tokens.json", "--out",
                workspace("out"), "--set", "batch.lanes=4",
            ]).expectFailure(64, "batch.lanes=4", "objective and parallel only")
            #expect(workspace.names().isEmpty)
        }

        @Test(arguments: [
            (#"{"tokens": [[1, 2, 101]]}"#, "sequence 0 has the id 101, but the vocabulary ends before 101"),
            (#"{"tokens": [[1]]}"#, "at least 2 tokens"),
            (#"{"tokens": []}"#, "at least one sequence"),
            (#"{"tokens": 3}"#, "is not of the form"),
        ])
        func refusesTokensThatCannotBe(_ content: String, _ message: String) async throws {
            let tokens = try workspace.write(content, "tokens.json")
            try await jregDist([
                "grad", "--checkpoint", "Tests/Fixtures/models/gqa", "--tokens", tokens, "--out", workspace("out"),
            ]).expectFailure(65, "tokens.json", message)
            #expect(workspace.names() == ["tokens.json"])
        }
    }
}

/// ‖a − b‖ / ‖b‖; ‖a‖ where b is zero.
func relativeError(_ found: [Double], _ wanted: [Double]) -> Double {
    guard found.count == wanted.count else { return .infinity }
    let difference = zip(found, wanted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    let length = wanted.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? difference / length : difference
}
