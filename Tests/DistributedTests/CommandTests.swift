import Evaluation
import Foundation
import FoundationXML
import Testing

extension EndToEnd {
    /// `eval`, `analyze`, `generate` and `plan` on a run of one's own text.
    struct CommandTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        /// Bytes of the license, and a model that has seen some of them.
        private func trainOnText() async throws {
            try await jregDist([
                "prepare", "--input", "LICENSE", "--out", workspace("data"), "--bytes", "--val-fraction", "0.1",
            ]).expectSuccess()
            let data = ["data.train=[\(workspace("data"))]", "data.validation=null", "model.vocab_size=257"]
            try await workspace.train(data + ["run.checkpoint_every=6"]).expectSuccess()
        }

        private struct Report: Decodable {
            let checkpoint: String
            let data: [String]
            let sequence_length: Int
            let unigram_entropy: Double?
            let result: EvaluationResult
        }

        private func report(_ output: String) throws -> Report {
            #expect(output.hasSuffix("}\n") && output.filter { $0 == "\n" }.count == 1, "not one object: \(output)")
            return try JSONDecoder().decode(Report.self, from: Data(output.utf8))
        }

        @Test func howFarARunIs() async throws {
            func status(_ steps: Int) async throws -> Outcome {
                try await jregDist(
                    workspace.trainArguments(["run.steps=\(steps)", "run.checkpoint_every=3"]) + ["--status"])
            }
            let before = try await status(4)
            #expect(
                before.exitCode == 75
                    && before.output == "\(workspace("run")) has no checkpoint yet; the run is of 4 steps\n")
            #expect(workspace.names("run").isEmpty)
            try await workspace.train(["run.steps=4", "run.checkpoint_every=3"]).expectSuccess()
            #expect(try await status(4).expectSuccess().output == "\(workspace("run")) is complete: step 4 of 4\n")
            let raised = try await status(6)
            #expect(raised.exitCode == 75 && raised.output == "\(workspace("run")) is saved up to step 4 of 6\n")
            try await jregDist(["--status", "--set", "run.steps=-1"]).expectFailure(64, "run.steps")
        }

        @Test func evaluation() async throws {
            try await trainOnText()
            let outcome = try await jregDist(["eval", "--checkpoint", workspace("run"), "--json"]).expectSuccess()
            let report = try report(outcome.output)
            let result = report.result
            #expect(report.checkpoint == workspace("run/step-00000012"))
            #expect(report.data == [workspace("data")] && report.sequence_length == 32)
            #expect(result.tokens == 32 * result.sequences && result.sequences > 20)
            #expect(result.displacement.count == 3 && result.jumpRate.count == 3 && result.readoutLoss.count == 3)
            #expect(abs(result.perplexity - exp(result.loss)) < 1e-9 * result.perplexity)
            #expect(result.loss > 1 && result.loss < log(257))
            // A byte is a token, but for the separators.
            let bits = try #require(result.bitsPerByte)
            #expect(abs(bits - result.loss / log(2)) < 0.02 * bits)
            let entropy = try #require(report.unigram_entropy)
            #expect(entropy > 2 && entropy < 4)

            // The end of the run measured the same: here all of it, there as many sequences as the config says.
            let some = try await jregDist([
                "eval", "--checkpoint", workspace("run"), "--json", "--sequences", "7", "--readout-sequences", "3",
                "--batch-size", "1",
            ]).expectSuccess()
            let last = try #require(Metrics(workspace("run")).evaluations.last)
            #expect(try self.report(some.output).result == last.evaluation && last.step == 12)

            let table = try await jregDist(["eval", "--checkpoint", workspace("run")]).expectSuccess()
            #expect(table.output.contains("loss") && table.output.contains("perplexity"), "\(table.output)")
        }

        @Test(.needsMPI) func evaluationIsTheSameOnAnyNumberOfRanks() async throws {
            try await trainOnText()
            let arguments = ["eval", "--checkpoint", workspace("run"), "--json", "--batch-size", "3"]
            let alone = try await jregDist(arguments).expectSuccess().output
            #expect(!alone.isEmpty)
            for launch in [Launch.ranks(1), .ranks(2), .ranks(4), .ranks(4, nodes: "2"), .ranks(3)] {
                let output = try await jregDist(arguments, on: launch).expectSuccess().output
                #expect(output == alone, "\(launch.testDescription)")
            }
        }

        @Test func aCheckpointIsNamedByItselfOrByItsRun() async throws {
            try await trainOnText()
            func evaluated(_ checkpoint: String) async throws -> Report {
                let outcome = try await jregDist(["eval", "--checkpoint", checkpoint, "--json"]).expectSuccess()
                return try report(outcome.output)
            }
            let newest = try await evaluated(workspace("run"))
            #expect(try await evaluated(workspace("run/step-00000012")).result == newest.result)
            #expect(try await evaluated(workspace("run/step-00000006")).result.loss > newest.result.loss)

            try await jregDist(["eval", "--checkpoint", workspace("data")]).expectFailure(
                65, workspace("data"), "is no checkpoint", "or the output directory of a run")
            try await jregDist(["eval", "--checkpoint", "Tests/Fixtures/models/gqa"]).expectFailure(
                64, "does not say what data it was trained on", "--data")
        }

        @Test func analysis() async throws {
            try await trainOnText()
            let svg = workspace("profile.svg")
            let arguments = ["analyze", "--checkpoint", workspace("run")]
            let json = try await jregDist(arguments + ["--json", "--svg", svg]).expectSuccess()
            let result = try report(json.output).result
            let chart = try String(contentsOfFile: svg, encoding: .utf8)
            #expect(chart.hasPrefix("<svg") && chart.hasSuffix("</svg>\n"))
            #expect(chart.components(separatedBy: "<rect").count == 1 + 1 + 3, "a background and three bars")
            #expect(try XMLDocument(xmlString: chart).rootElement()?.name == "svg")

            let table = try await jregDist(arguments).expectSuccess().output
            for (layer, displacement) in result.displacement.enumerated() {
                let row = table.split(separator: "\n").first {
                    $0.split(separator: " ").first == "\(layer + 1)"
                }
                #expect(row?.contains(String(format: "%.5f", displacement)) == true, "\(table)")
            }
        }

        /// Any Hugging Face directory, with data of one's own.
        @Test func analysisOfAForeignModel() async throws {
            let outcome = try await jregDist([
                "analyze", "--checkpoint", "Tests/Fixtures/models/tied", "--data", Repository.shard,
                "--sequence-length", "16", "--json",
            ]).expectSuccess()
            let report = try report(outcome.output)
            #expect(report.result.sequences == 200 && report.sequence_length == 16)
            #expect(report.result.bitsPerByte == nil && report.unigram_entropy == nil)
            try await jregDist([
                "analyze", "--checkpoint", "Tests/Fixtures/models/tied", "--data", Repository.shard,
                "--sequence-length", "1000",
            ]).expectFailure(64, "--sequence-length is 1000", "at most 512 positions")
        }

        @Test func generation() async throws {
            try await trainOnText()
            func generated(_ options: String...) async throws -> String {
                let arguments = [
                    "generate", "--checkpoint", workspace("run"), "--prompt", "The License", "--max-tokens",
                ]
                let outcome = try await jregDist(arguments + ["40"] + options).expectSuccess()
                #expect(outcome.errors.isEmpty, "\(outcome.errors)")
                return outcome.output
            }
            let text = try await generated("--seed", "5", "--temperature", "1")
            #expect(text.hasPrefix("The License") && text.count > 20 && text.hasSuffix("\n"))
            #expect(try await generated("--seed", "5", "--temperature", "1") == text)
            #expect(try await generated("--seed", "6", "--temperature", "1") != text)
            let likeliest = try await generated("--temperature", "0", "--seed", "1")
            #expect(try await generated("--temperature", "0", "--seed", "2") == likeliest)
            #expect(try await generated("--top-p", "1e-9") == likeliest)
            #expect(likeliest != text)
        }

        @Test(.needsMPI) func generationIsPrintedByOneRank() async throws {
            try await trainOnText()
            let arguments = ["generate", "--checkpoint", workspace("run"), "--prompt", "a", "--max-tokens", "9"]
            let alone = try await jregDist(arguments).expectSuccess().output
            #expect(try await jregDist(arguments, on: .ranks(2)).expectSuccess().output == alone)
        }

        @Test func plan() async throws {
            let arguments = ["plan", "--config", "Configs/llama-1b.yaml", "--ranks", "8", "--ranks-per-node", "4"]
            let outcome = try await jregDist(arguments + ["--json"]).expectSuccess()
            #expect(outcome.output.hasSuffix("}\n") && outcome.output.filter { $0 == "\n" }.count == 1)
            let plan = try #require(
                JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
            #expect(plan.keys.sorted() == ["checkpoint", "memory", "model", "notes", "ranks", "work"])
            func number(_ section: String, _ key: String) throws -> Double {
                let value = (plan[section] as? [String: Any])?[key] as? NSNumber
                return try #require(value, "\(section).\(key)").doubleValue
            }
            let parameters = try number("model", "parameters")
            #expect(parameters > 0.9e9 && parameters < 1.5e9)
            #expect(try number("ranks", "nodes") == 2)
            #expect(try number("memory", "parameters_per_node") == 4 * parameters)
            #expect(try number("memory", "moments_per_node") == 8 * parameters)
            let perRank = try ["gradients", "activations", "program"].reduce(0) {
                try $0 + number("memory", $1 + "_per_rank")
            }
            #expect(try number("memory", "per_rank") == perRank)
            #expect(try number("memory", "snapshot_per_node") == 12 * parameters)
            #expect(
                try number("memory", "per_node") == 24 * parameters + number("memory", "program_per_node") + 4 * perRank
            )
            #expect(try number("checkpoint", "bytes") >= 12 * parameters)

            let table = try await jregDist(arguments).expectSuccess().output
            for word in ["memory", "per rank", "per node", "gradients", "activations", "checkpoint"] {
                #expect(table.contains(word), "\(table)")
            }
            let keys = try await jregDist(["plan", "--keys"]).expectSuccess().output
            #expect(keys.contains("`objective.jreg.lambda`") && keys.contains("`run.time_limit`"))
        }
    }
}
