import Foundation
import Testing

extension EndToEnd {
    /// `bench` under mpirun, and the times that a run tells of itself. Nothing here asks how fast anything is.
    struct BenchTests {
        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func bench(_ name: String, _ settings: [String] = [], on launch: Launch) async throws -> [String: Any] {
            let config = try workspace.write(TinyRun.config, "config.yaml")
            let outcome = try await jregDist(
                ["bench", name, "--config", config, "--seconds", "0.02", "--json"]
                    + settings.flatMap { ["--set", $0] }, on: launch
            ).expectSuccess()
            #expect(outcome.output.hasSuffix("}\n") && outcome.output.filter { $0 == "\n" }.count == 1)
            return try #require(
                JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any], "\(outcome.output)")
        }

        private func number(_ report: [String: Any], _ key: String) throws -> Double {
            try #require(report[key] as? NSNumber, "\(key) of \(report)").doubleValue
        }

        @Test func products() async throws {
            let report = try await bench("gemm", on: .ranks(2))
            #expect(try number(report, "ranks") == 2)
            #expect(try number(report, "peak") > 0)
            let products = try #require(report["products"] as? [[String: Any]])
            #expect(products.count == 16)
            for product in products {
                #expect(try number(product, "flops") > 0, "\(product)")
            }
            let head = try #require(products.first { $0["name"] as? String == "head, forward" })
            #expect(try number(head, "m") == 32 && number(head, "n") == 101 && number(head, "k") == 48)
        }

        @Test func reduction() async throws {
            let report = try await bench("reduce", on: .ranks(2))
            #expect(try number(report, "bytes") > 4 * 101 * 48)
            #expect(try number(report, "reduce_seconds") > 0 && number(report, "all_reduce_seconds") > 0)
            let wrong = try await jregDist(["bench", "reduce"], on: .ranks(3))
            wrong.expectFailure(64, "bench reduce was started on 3 ranks, but takes a power of two; start 2 or 4")
            #expect(wrong.count(of: "bench reduce was started") == 1, "\(wrong.errors)")
        }

        @Test(arguments: [Launch.alone, .ranks(2)]) func steps(_ launch: Launch) async throws {
            let report = try await bench("step", ["parallel.threads_per_rank=1"], on: launch)
            let seconds = try number(report, "seconds")
            #expect(try number(report, "tokens_per_step") == 512)
            #expect(try abs(number(report, "tokens_per_second") * seconds - 512) < 1e-6 * 512)
            #expect(try number(report, "evaluation_tokens_per_second") > 0)
            let shares = try #require(report["shares"] as? [String: Double])
            #expect(shares.keys.sorted() == Self.activities)
            #expect(abs(shares.values.reduce(0, +) - 1) < 0.05)
            // Random tokens of 101, after at least seven steps with a large rate: somewhere about log 101 still.
            #expect(try abs(number(report, "loss") - log(101)) < 2)
        }

        private static let activities = [
            "attention", "cross_entropy", "elementwise", "gemm", "jreg", "norms", "other", "reduce", "update", "wait",
        ]

        private struct Times: Decodable {
            let seconds: Double
            let phases: [String: Double]
            let activities: [String: Double]
        }

        @Test func everyStepTellsWhereItsTimeWent() async throws {
            try await workspace.train(on: .ranks(2)).expectSuccess()
            let lines = try String(contentsOfFile: workspace("run/metrics.jsonl"), encoding: .utf8).split(
                separator: "\n"
            )
            .filter { !$0.contains("\"evaluation\"") }
            #expect(lines.count == TinyRun.steps)
            for line in lines {
                let times = try JSONDecoder().decode(Times.self, from: Data(line.utf8))
                #expect(times.phases.keys.sorted() == ["backward", "forward", "head", "reduce", "update"])
                #expect(times.activities.keys.sorted() == Self.activities)
                let (byPhase, byActivity) = (
                    times.phases.values.reduce(0, +), times.activities.values.reduce(0, +)
                )
                #expect(byPhase <= times.seconds && abs(byActivity - byPhase) < 0.1 * byPhase + 1e-4)
            }
        }

        private struct Trace: Decodable {
            struct Event: Decodable {
                let name: String
                let cat: String?
                let ph: String
                let ts: Double?
                let dur: Double?
                let pid: Int
                let tid: Int
            }
            let traceEvents: [Event]
        }

        @Test func aTraceHasALineForEachRank() async throws {
            let path = workspace("trace.json")
            try await workspace.train(["run.trace=\(path)"], on: .ranks(4, nodes: "2")).expectSuccess()
            let trace = try JSONDecoder().decode(Trace.self, from: Data(contentsOf: URL(filePath: path)))
            for rank in 0..<4 {
                let line = trace.traceEvents.filter { $0.tid == rank }
                #expect(line.filter { $0.ph == "M" }.map(\.name) == ["thread_name"])
                #expect(line.allSatisfy { $0.pid == rank / 2 })
                let phases = line.filter { $0.cat == "phase" }
                // Two lanes of two microbatches for each of four ranks.
                #expect(
                    phases.map(\.name) == Array(repeating: ["forward", "head", "backward"], count: 4).flatMap(\.self)
                        + ["reduce", "update"])
                let kernels = line.filter { $0.cat == "kernel" }
                #expect(
                    Set(kernels.map(\.name)).isSuperset(of: ["gemm", "attention", "cross_entropy", "norms", "reduce"]))
                // Each kernel within a phase, but for the reading of clocks.
                let end = try #require(phases.last.flatMap { event in event.ts.map { $0 + (event.dur ?? 0) } })
                #expect(kernels.allSatisfy { ($0.ts ?? -1) >= -100 && ($0.ts ?? 0) + ($0.dur ?? 0) <= end + 1000 })
            }
        }
    }
}
