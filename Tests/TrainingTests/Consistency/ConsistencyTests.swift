import Collectives
import Foundation
import Testing
import Training

/// Who differs from whom, and how it is said.
struct ConsistencyTests {
    private func identities(_ hosts: [String]) throws -> [HostIdentity] {
        let own = try HostIdentity(LocalCommunicator())
        return hosts.map { host in
            var identity = own
            identity.host = host
            return identity
        }
    }

    @Test func equalHostsAreFine() throws {
        let all = try identities(["a", "a", "b"])
        #expect(HostIdentity.problem(all) == nil)
        #expect(HostIdentity.notes(all).isEmpty)
    }

    @Test func anotherProgramIsNamedWithWhatEachHas() throws {
        var all = try identities(["a", "a", "b", "b", "b"])
        for rank in 2...4 {
            all[rank].program = "0123456789abcdef"
            all[rank].instructionSet = "x86-64-v3"
            all[rank].path = "/old/jreg-dist"
        }
        let problem = try #require(HostIdentity.problem(all))
        #expect(problem.contains("rank 0 on a runs jreg-dist \(all[0].version) for \(all[0].instructionSet)"))
        #expect(problem.contains("ranks 2 to 4 on b jreg-dist \(all[0].version) for x86-64-v3 (/old/jreg-dist"))
        #expect(problem.contains("Launch/build --cpu x86-64-v3"))
    }

    @Test func anotherCommandIsNamed() throws {
        var all = try identities(["a", "b"])
        all[1].arguments = ["train", "--out", "elsewhere"]
        #expect(HostIdentity.problem(all)?.contains("rank 1 on b \"train --out elsewhere\"") == true)
    }

    @Test func otherLibrariesAreWorthANote() throws {
        var all = try identities(["a", "b", "c"])
        all[1].libc = "glibc 2.17"
        all[2].cpu = "Slow 1000"
        let notes = HostIdentity.notes(all)
        #expect(notes.count == 2)
        #expect(notes[0].contains("rank 1 on b has the C library glibc 2.17"))
        #expect(notes[1].contains("rank 2 on c has the CPU Slow 1000"))
    }

    @Test func otherDataIsNamed() {
        let splits = [("training", ["A", "A", "A"]), ("validation", ["B", "B", "C"])]
        let problem = InputAgreement.problem(splits, ["data/x"], hosts: ["a", "a", "b"])
        let wanted = "the same validation data from data/x: rank 0 on a reads B, but rank 2 on b C"
        #expect(problem?.contains(wanted) == true)
        #expect(InputAgreement.problem([splits[0]], ["data/x"], hosts: ["a", "a", "b"]) == nil)
    }

    /// What each of some nodes holds, part by part, and which of them are wrong.
    @Test(arguments: [
        ("xy xy", []), ("xy xz", [1]),
        // Most are right, even if the first is wrong.
        ("wy xy xy", [0]), ("xy xy xy xw", [3]),
        // No majority: the first is the measure.
        ("x x y y", [2, 3]), ("a b c", [1, 2]),
    ])
    func nodesThatDiffer(nodes: String, odd: [Int]) {
        #expect(ReplicaCheck.odd(nodes.split(separator: " ").map { $0.map(String.init) }) == odd)
    }

    @Test func theSettingOfABitThatTurns() throws {
        #expect(try DebugBitFlip(setting: "1:40")?.node == 1)
        #expect(try DebugBitFlip(setting: "1:40")?.step == 40)
        #expect(try DebugBitFlip(setting: nil) == nil)
        for wrong in ["1", "a:2", "1:2:3", "1:-2"] {
            #expect(throws: TrainingError.self) { try DebugBitFlip(setting: wrong) }
        }
    }
}
