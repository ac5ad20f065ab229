import Collectives
import Foundation

/// Checks the collectives from inside: started under mpirun by CollectivesTests, each command ends with exit code 0, or
/// with a message on stderr.
@main
enum CollectivesProbe {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            let communicator = try makeCommunicator()
            do {
                try run(arguments, communicator)
                try communicator.finalize()
            } catch {
                fail("rank \(communicator.rank): \(error)", error)
                communicator.abort(code: 65)
            }
        } catch {
            fail("\(error)", error)
            exit(64)
        }
    }

    private static func run(_ arguments: [String], _ communicator: any Communicator) throws {
        switch arguments.first {
        case "topology": try printTopology(communicator)
        case "messages": try checkMessages(communicator)
        case "sums": try checkSums(communicator)
        case "wire": try checkWire(communicator)
        case "scalars": try checkScalars(communicator)
        case "arenas": try checkArenas(communicator)
        case "windows": try checkWindows(communicator)
        case "memory": try checkMemory(communicator)
        case "waiting": try checkWaiting(communicator)
        case "failure": try failOnOneRank(communicator)
        case "allocate": try allocate(megabytes: Int(arguments[1])!, communicator)
        default: throw ProbeFailure("no command \(arguments)")
        }
    }

    /// Prints what went wrong where it did, once.
    private static func fail(_ message: String, _ error: any Error) {
        let known = error as? CollectiveError
        let isForRankZeroToTell = known?.isTheSameOnEveryRank == true && LaunchEnvironment.current.rank != 0
        let isOfAnotherRank = if case .onAnotherRank = known { true } else { false }
        // The rank that prints also ends this one: this is for the case that it cannot, and must not be quicker.
        if isForRankZeroToTell || isOfAnotherRank { sleep(3) }
        if !isForRankZeroToTell { FileHandle.standardError.write(Data("probe: \(message)\n".utf8)) }
    }
}

struct ProbeFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func expect(_ condition: Bool, _ message: @autoclosure () -> String, line: Int = #line) throws {
    if !condition { throw ProbeFailure("line \(line): \(message())") }
}

/// SplitMix64 of a counter: the same pseudo-random number on every rank.
func random(_ counter: Int) -> UInt64 {
    var z = UInt64(bitPattern: Int64(counter)) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}

/// A float of random sign, mantissa and magnitude (over 2^15), so that every other order of a sum gives other bits.
func randomFloat(_ counter: Int) -> Float {
    let bits = random(counter)
    let unit = Float(bits >> 40) / Float(1 << 24) - 0.5
    return unit * Float(bitPattern: UInt32(120 + bits & 15) << 23)
}

/// Order-dependent checksum of the bits.
func checksum(_ values: [Float]) -> String {
    String(values.reduce(UInt64(values.count)) { random(Int(bitPattern: UInt($0 ^ UInt64($1.bitPattern)))) }, radix: 16)
}
