import Foundation
import LlamaModel
import Testing
import Training
import Yams

/// The files of `Configs/`.
@Suite struct ConfigFilesTests {
    static let files = ["llama-170m", "llama-1b", "llama-3b", "llama2-7b", "llama3-8b", "quickstart"]

    private func file(_ name: String) -> URL { repository.appending(path: "Configs/\(name).yaml") }

    private func load(_ name: String) throws -> RunConfig {
        try RunConfig.load(file: file(name).path()) { _ in throw NoCheckpoint() }
    }

    @Test func noneIsForgottenHere() throws {
        let found = try FileManager.default.contentsOfDirectory(atPath: repository.appending(path: "Configs").path())
        #expect(found.sorted() == Self.files.map { "\($0).yaml" })
    }

    @Test(arguments: files)
    func loadsAndHasTheParametersItTells(_ name: String) throws {
        let config = try load(name)
        let text = try String(contentsOf: file(name), encoding: .utf8)
        let told = try #require(text.firstMatch(of: /([0-9,]+) parameters/)).1.filter { $0 != "," }
        #expect(Int(told) == ParameterLayout(config.model.shape).count)
        // Without a name on the command line the quickstart must not go on with the run of Launch/quickstart.
        #expect(config.run.out == (name == "quickstart" ? "runs/default" : "runs/\(name)"))
        #expect(text.contains("lambda: 3.0 "), "JREG is switched by one line")
    }

    @Test(arguments: files)
    func tellsTheTokensOfAStep(_ name: String) throws {
        let config = try load(name)
        let text = try String(contentsOf: file(name), encoding: .utf8)
        let told = try #require(text.firstMatch(of: /([0-9]+) × ([0-9]+) = ([0-9,]+) tokens a step/))
        #expect(Int(told.1) == config.batch.globalBatchSize)
        #expect(Int(told.2) == config.batch.sequenceLength)
        #expect(Int(told.3.filter { $0 != "," }) == config.batch.tokensPerStep)
    }

    @Test func quickstartIsTheDefault() throws {
        #expect(try load("quickstart") == RunConfig())
    }

    @Test func quickstartShowsEveryKey() throws {
        let text = try String(contentsOf: file("quickstart"), encoding: .utf8)
        let root = try #require(try compose(yaml: text))
        for key in ConfigKey.all {
            var node: Node? = root
            for part in key.path.split(separator: ".") { node = node?[String(part)] }
            #expect(node != nil, "\(key.path)")
        }
    }

    @Test func publishedShapes() throws {
        #expect(ParameterLayout(try load("llama2-7b").model.shape).count == 6_738_415_616)
        let llama3 = try load("llama3-8b").model.shape
        #expect(ParameterLayout(llama3).count == 8_030_261_248)
        #expect(llama3.numKeyValueHeads == 8)
        #expect(llama3.ropeTheta == 500_000)
    }
}
