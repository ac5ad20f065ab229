import Foundation
import Testing

extension EndToEnd {
    /// SIGKILL for one rank, all ranks or mpirun, at random moments, with another number of ranks at each resume: no process
    /// stays, no checkpoint is lost, and the end has the bits of the run that was never killed.
    @Suite(.needsMPI) struct KillMatrixTests {
        @Test func someKills() async throws { try await Self.run(kills: 10, perRun: 10) }

        /// `Launch/test --soak` says how many.
        private static let soak = ProcessInfo.processInfo.environment["JREG_SOAK_KILLS"].flatMap { Int($0) }

        @Test(.enabled(if: soak != nil, "the long form: Launch/test --soak"))
        func manyKills() async throws { try await Self.run(kills: Self.soak!, perRun: 20) }

        private static func run(kills count: Int, perRun: Int) async throws {
            var kills: [KillMatrix.Kill] = []
            var (runs, equal) = (0, 0)
            while kills.count < count {
                // A failure is repeated with JREG_KILL_SEED, as far as the machine's own timing lets it.
                let given = ProcessInfo.processInfo.environment["JREG_KILL_SEED"].flatMap { UInt64($0) }
                let seed = given ?? UInt64.random(in: 0..<1_000_000)
                print("kill matrix: seed \(seed)")
                var matrix = try KillMatrix(seed: seed)
                let (killed, undisturbed) = try await matrix.run(kills: min(perRun, count - kills.count))
                let difference = killed.difference(from: undisturbed)
                #expect(difference == nil, "seed \(seed)")
                runs += 1
                if difference == nil { equal += 1 }
                kills += matrix.kills
                print("kill matrix: \(kills.count) of \(count)")
            }
            print("kill matrix: " + KillMatrix.summary(kills))
            print("kill matrix: \(equal) of \(runs) runs ended with the bits of one that was never killed")
            #expect(kills.allSatisfy { $0.orphans == 0 && $0.lost == 0 })
            // That is Open MPI's own; past the start it ends with its ranks.
            #expect(kills.allSatisfy { !$0.leftLauncher || $0.phase == KillMatrix.starting })
        }
    }
}
