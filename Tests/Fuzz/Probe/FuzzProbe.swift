import CLibFuzzer
import Foundation
import FuzzReaders

/// Feeds a reader with damaged files, in a process of its own: what a reader must never do ends it.
///
///     FuzzProbe mutate KIND SEED ROUNDS         damages sound files; prints how many were accepted and refused
///     FuzzProbe replay KIND FILE...             reads these files
///     FuzzProbe seeds KIND DIRECTORY            writes the sound files
///     FuzzProbe fuzz KIND LIBFUZZER-ARGUMENT... in a build with libFuzzer, which `Launch/fuzz` makes
///
/// It works in the directory that FUZZ_DIRECTORY names, where the file that it read last is `input`.
@main struct FuzzProbe {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 2, let kind = FileKind(rawValue: arguments[2]),
            let directory = ProcessInfo.processInfo.environment["FUZZ_DIRECTORY"]
        else {
            print("usage: FUZZ_DIRECTORY=DIRECTORY FuzzProbe mutate|replay|seeds|fuzz KIND ...")
            exit(64)
        }
        let trial = try Trial(kind, in: directory)
        let rest = Array(arguments[3...])
        switch arguments[1] {
        case "mutate":
            limitMemory()
            try mutate(trial, seed: UInt64(rest[0])!, rounds: Int(rest[1])!)
        case "replay":
            limitMemory()
            for file in rest { run(trial, Array(try Data(contentsOf: URL(filePath: file)))) }
        case "seeds":
            for (index, seed) in try trial.reader.seeds.enumerated() {
                try Data(seed).write(to: URL(filePath: "\(rest[0])/seed-\(index)"))
            }
        case "fuzz": fuzz(trial, rest)
        default: exit(64)
        }
    }

    private static func mutate(_ trial: Trial, seed: UInt64, rounds: Int) throws {
        let seeds = try trial.reader.seeds
        var mutator = Mutator(seeds, seed: seed)
        let accepted = (0..<rounds).count { _ in run(trial, mutator.next()) }
        print("\(accepted) accepted, \(rounds - accepted) refused")
    }

    /// - Returns: whether the file was accepted. A reader that takes longer than any of these small files needs is ended.
    @discardableResult
    private static func run(_ trial: Trial, _ content: [UInt8]) -> Bool {
        alarm(10)
        defer { alarm(0) }
        return trial.run(content)
    }

    /// What is taken beyond this ends the process.
    private static func limitMemory() {
        var limit = rlimit(rlim_cur: 4 << 30, rlim_max: 4 << 30)
        precondition(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
    }

    nonisolated(unsafe) private static var trial: Trial?

    private static func fuzz(_ trial: Trial, _ arguments: [String]) {
        #if FUZZER
            Self.trial = trial
            var names: [UnsafeMutablePointer<CChar>?] = (["FuzzProbe"] + arguments).map { strdup($0) } + [nil]
            var count = Int32(arguments.count + 1)
            names.withUnsafeMutableBufferPointer { names in
                var base: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = names.baseAddress
                let status = LLVMFuzzerRunDriver(&count, &base) { bytes, size in
                    FuzzProbe.trial?.run(Array(UnsafeBufferPointer(start: bytes, count: size)))
                    return 0
                }
                exit(status)
            }
        #else
            print("this build has no libFuzzer; start it with Launch/fuzz")
            exit(64)
        #endif
    }
}
