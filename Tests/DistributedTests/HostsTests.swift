import Foundation
import Testing

extension EndToEnd {
    /// Two hosts with a cable between them.
    @Suite(.needsMPI, .needsHosts) struct HostsTests {
        private static let settings = [
            "run.checkpoint_every=5", "run.evaluate_every=0", "optimizer.schedule=constant",
        ]

        /// A cut cable ends the run on both sides, and the mended one takes it up as if nothing had been.
        @Test func aCableThatIsCutAndMended() async throws {
            let workspace = try Workspace()
            let hosts = try NetworkHosts(2)
            defer { try? hosts.takeDown() }
            func launch(_ settings: String...) throws -> [String] {
                let arguments = try workspace.trainArguments(Self.settings + settings)
                return hosts.mpirun(ranksPerHost: 1, [Repository.program] + arguments)
            }
            let run = try Launch(environment: workspace.leftoversOfMPI)
                .start(commandLine: launch("run.steps=1000000", "run.stall_timeout=2s"))
            try await run.wait { Metrics.lastStep(workspace("run")) >= 12 }
            let processes = hosts.processes
            try hosts.setLink(of: 2, up: false)
            let cut = ContinuousClock.now
            let outcome = try await run.end(within: .seconds(60))
            #expect(ContinuousClock.now - cut < .seconds(10))
            // mpirun, which would wait for its daemon on the other host for ever, is killed.
            outcome.expectFailure(
                137, "nothing is heard of rank 1 on \(hosts.name(2)) since ", "Is \(hosts.name(2)) up")
            // The second host can tell nobody, but writes it down.
            try await Task.sleep(for: .seconds(10) - (ContinuousClock.now - cut))
            let left = ProcessTree.running(Repository.program, among: processes + hosts.processes)
            #expect(left.isEmpty, "still there after 10 s: \(left)")
            #expect(hosts.processes.isEmpty, "still there after 10 s: \(hosts.processes.map(ProcessTree.name(of:)))")
            let log = try String(contentsOfFile: workspace("run/stalls.log"), encoding: .utf8)
            #expect(log.contains("rank 0 on \(hosts.name(1)): no progress for 2s"), "\(log)")
            #expect(log.contains("rank 1 on \(hosts.name(2)): no progress for 2s"), "\(log)")
            #expect(log.contains("nothing is heard of rank 0 on \(hosts.name(1)) since "), "\(log)")

            try hosts.setLink(of: 2, up: true)
            let steps = Metrics.lastStep(workspace("run")) / 5 * 5 + 3
            let resumed = try await Launch(environment: workspace.leftoversOfMPI)
                .start(commandLine: launch("run.steps=\(steps)")).end(within: .seconds(60))
            resumed.expectSuccess()
            #expect(resumed.errors.contains(/start +step [0-9]*[05], from/), "\(resumed.errors)")
            try await workspace.train(Self.settings + ["run.steps=\(steps)"], out: "undisturbed").expectSuccess()
            let difference = try RunRecord(workspace("run")).difference(from: RunRecord(workspace("undisturbed")))
            #expect(difference == nil)
        }

        @Test func theHostsOfLaunchRun() async throws {
            let workspace = try Workspace()
            let hosts = try NetworkHosts(2)
            defer { try? hosts.takeDown() }
            let arguments = [Repository.program, "ranks", "--expect", "4"]
            let outcome = try await Launch(environment: workspace.leftoversOfMPI)
                .start(commandLine: hosts.launchRun(ranksPerHost: 2, arguments)).end(within: .seconds(60))
            #expect(
                outcome.expectSuccess().output.hasPrefix("4 ranks (\(hosts.name(1)) 2, \(hosts.name(2)) 2)"),
                "\(outcome.output)")
        }

        /// A rank of the far host throws: its message is heard, and all ends, within seconds.
        @Test(.needsMounts) func aRankOfTheFarHostThatThrows() async throws {
            let workspace = try Workspace()
            let hosts = try NetworkHosts(2)
            defer { try? hosts.takeDown() }
            let shard = try Data(contentsOf: URL(filePath: Repository.root + Repository.shard))
            let sound = try workspace.write(shard, "shard.bin")
            let truncated = try workspace.write(shard.dropLast(9), "truncated.bin")
            // Seen by the second host alone.
            let script =
                "if [ $OMPI_COMM_WORLD_RANK = 1 ]; then mount --bind \(truncated) \(sound); fi; exec \"$@\""
            try workspace.write("#!/bin/sh\n" + script, "throw")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: workspace("throw"))
            let program =
                ["unshare", "--mount", workspace("throw"), Repository.program]
                + (try workspace.trainArguments(["data.train=[\(sound)]"]))
            let run = try Launch(environment: workspace.leftoversOfMPI).start(
                commandLine: hosts.mpirun(ranksPerHost: 1, program))
            try await run.wait { run.errors.contains("error (rank 1 on") }
            let thrown = ContinuousClock.now
            let outcome = try await run.end(within: .seconds(60))
            #expect(ContinuousClock.now - thrown < .seconds(5))
            outcome.expectFailure(65, "error (rank 1 on \(hosts.name(2))): ", "shard.bin is damaged")
            #expect(outcome.count(of: "is damaged") == 1, "\(outcome.errors)")
            #expect(hosts.processes.isEmpty, "still there: \(hosts.processes.map(ProcessTree.name(of:)))")
        }
    }
}
