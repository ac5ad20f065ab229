import Checkpoints
import Corpus
import Foundation
import Training

/// Reads one kind of file as far as the program does, and uses what it has read.
public protocol FileReader {
    /// Sound files, as the program itself writes them.
    var seeds: [[UInt8]] { get throws }
    /// Reads the file that now has this content.
    /// - Throws: what the program would say of it.
    func read(_ content: [UInt8]) throws
}

/// The file whose content changes from trial to trial.
public struct FuzzFile {
    static let name = "input"
    public let path: String

    public init(in directory: String) { path = directory + "/" + Self.name }

    /// Overwrites it. It stays the same file, so the names that were linked to it have the new content too.
    public func write(_ content: [UInt8]) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        precondition(descriptor >= 0, "cannot open \(path)")
        defer { close(descriptor) }
        var done = 0
        while done < content.count {
            let count = content[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            precondition(count > 0, "cannot write \(path)")
            done += count
        }
    }

    /// Gives it another name, which a reader asks for.
    func link(as other: String) throws {
        if !FileManager.default.fileExists(atPath: path) { write([]) }
        if FileManager.default.fileExists(atPath: other) { try FileManager.default.removeItem(atPath: other) }
        try FileManager.default.linkItem(atPath: path, toPath: other)
    }
}

/// A reader and the file that it is tried on. A trial ends the process where the reader does what it must never do; before
/// each one the content is in the file, so that it can be found there.
public struct Trial {
    public let reader: any FileReader
    private let file: FuzzFile

    public init(_ kind: FileKind, in directory: String) throws {
        reader = try kind.reader(in: directory)
        file = FuzzFile(in: directory)
    }

    /// - Returns: whether the file was accepted.
    @discardableResult
    public func run(_ content: [UInt8]) -> Bool {
        file.write(content)
        do {
            try reader.read(content)
            return true
        } catch {
            precondition(Self.isOurs(error), "an error that no command expects: \(type(of: error)): \(error)")
            let hasControls = "\(error)".unicodeScalars.contains {
                $0.properties.generalCategory == .control && $0 != "\n"
            }
            precondition(
                !hasControls, "a message that sends commands to the terminal: \(String(reflecting: "\(error)"))")
            return false
        }
    }

    /// Those that carry what was found, what was wanted and what to do.
    private static func isOurs(_ error: any Error) -> Bool {
        error is CheckpointError || error is CorpusError || error is ConfigErrors || error is TrainingError
    }
}

/// The bytes of a file.
func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
