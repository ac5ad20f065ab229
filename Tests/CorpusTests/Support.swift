import Corpus
import Foundation
import Testing

/// A directory that goes when the test ends.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "corpus-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = path + "/" + name
        let directory = (file as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String { try write(Array(text.utf8), to: name) }

    /// Compresses a file with gzip and returns the path of the result.
    func gzip(_ file: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "--keep", "--no-name", file]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "gzip failed on \(file)")
        return file + ".gz"
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }

    func names(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + directory).sorted()
    }
}

/// What a body's error says; fails when there is none, or it is not the module's.
func errorText<Result>(_ body: () throws -> Result, sourceLocation: SourceLocation = #_sourceLocation) -> String {
    do {
        let result = try body()
        Issue.record("expected an error, got \(result)", sourceLocation: sourceLocation)
        return ""
    } catch let error as CorpusError {
        return error.description
    } catch {
        Issue.record("expected a CorpusError, got \(error)", sourceLocation: sourceLocation)
        return ""
    }
}

/// Numbers that look random and are the same every time.
struct TestGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

/// Paragraphs of made-up words over several lines, with indentation, numbers and letters beyond ASCII.
func madeUpText(bytes: Int, seed: UInt64) -> String {
    var generator = TestGenerator(state: seed)
    let syllables = ["ka", "to", "mi", "re", "lün", "so", "pa", "vé", "shi", "on", "tra", "ble", "ing", "er"]
    var text = ""
    while text.utf8.count < bytes {
        let word = (0..<Int.random(in: 1...3, using: &generator)).map { _ in syllables.randomElement(using: &generator)!
        }
        text += word.joined()
        switch Int.random(in: 0..<40, using: &generator) {
        case 0: text += ".\n\n"
        case 1, 2: text += ",\n   "
        case 3: text += " \(Int.random(in: 0...9999, using: &generator)) "
        default: text += " "
        }
    }
    return text
}

/// The file of a token shard, made independently of the module's writer.
func shardBytes(magic: Int32, version: Int32, count: Int32? = nil, tokens: [UInt32]) -> [UInt8] {
    func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
        (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    let header = littleEndian(magic) + littleEndian(version) + littleEndian(count ?? Int32(tokens.count))
    let ids = magic == 20_240_520 ? tokens.flatMap { littleEndian(UInt16($0)) } : tokens.flatMap { littleEndian($0) }
    return header + [UInt8](repeating: 0, count: 1024 - header.count) + ids
}

func shard16(_ tokens: [UInt32]) -> [UInt8] { shardBytes(magic: 20_240_520, version: 1, tokens: tokens) }
func shard32(_ tokens: [UInt32]) -> [UInt8] { shardBytes(magic: 20_240_801, version: 7, tokens: tokens) }
