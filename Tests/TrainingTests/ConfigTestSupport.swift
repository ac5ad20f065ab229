import Foundation
import LlamaModel
import Testing
import Training

/// The root of the repository, where `Configs/` lies.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

struct NoCheckpoint: Error, CustomStringConvertible {
    var description: String { "no checkpoint is there" }
}

/// Loads `yaml` as the file `test.yaml`, where no `model.init_from` can be resolved.
func loaded(_ yaml: String, _ overrides: String...) throws -> RunConfig {
    try RunConfig.load(yaml: yaml, named: "test.yaml", overrides: overrides) { _ in throw NoCheckpoint() }
}

/// The lines of the errors that `yaml` and `overrides` give; empty, and an issue of the test, where there are none.
func faults(_ yaml: String, _ overrides: String..., sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
    do {
        _ = try RunConfig.load(yaml: yaml, named: "test.yaml", overrides: overrides) { _ in throw NoCheckpoint() }
        Issue.record("was loaded without an error", sourceLocation: sourceLocation)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}
