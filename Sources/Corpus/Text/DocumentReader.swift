import FileSafety
import Foundation

/// Reads files as documents, one after the other, in memory bounded by the longest of them.
///
/// A line of a JSON-lines file is a document (longer than 1 MiB: several, cut as below). A plain file of up to 64 KiB is
/// one document; a longer one is cut at the first blank line after 16 KiB, else at the last end of line before 64 KiB.
/// No byte is lost at a cut. Texts of nothing but white space are passed over.
struct DocumentReader {
    /// The key of the text in a line of a JSON-lines file.
    let textField: String

    /// What was read of one file.
    struct Account {
        var documents = 0
        /// Bytes of the file, unpacked.
        var bytes = 0
        var invalidSequences = 0
        var firstInvalidOffset: Int?
    }

    private static let plainCut = TextCut(minimum: 16 << 10, maximum: 64 << 10)
    private static let fieldCut = TextCut(minimum: 512 << 10, maximum: 1 << 20)
    private static let longestLine = 64 << 20

    /// Calls `body` with each document. Sequences that are no UTF-8 become U+FFFD and are counted.
    /// - Throws: `CorpusError` naming the file and the line, or what `body` throws.
    func forEachDocument(of file: InputFile, _ body: (String) throws -> Void) throws -> Account {
        var account = Account()
        if file.isJSONLines {
            try forEachLine(of: file, account: &account, body)
        } else {
            try forEachPassage(of: file, account: &account, body)
        }
        return account
    }

    private func forEachPassage(
        of file: InputFile, account: inout Account, _ body: (String) throws -> Void
    ) throws {
        var stream = try TextStream(path: file.path)
        var buffer: [UInt8] = []
        var start = 0
        var isAtEnd = false
        repeat {
            buffer.removeFirst(start)
            start = 0
            isAtEnd = try !stream.read(into: &buffer)
            if account.bytes == 0 { start = Self.byteOrderMarkLength(buffer) }
            account.bytes += start
            while start < buffer.count, isAtEnd || buffer.count - start > Self.plainCut.maximum {
                let length = Self.plainCut.length(of: buffer, from: start)
                let text = Self.text(buffer[start..<start + length], account: &account)
                start += length
                if !text.isBlank {
                    account.documents += 1
                    try body(text)
                }
            }
        } while !isAtEnd
    }

    private func forEachLine(of file: InputFile, account: inout Account, _ body: (String) throws -> Void) throws {
        var stream = try TextStream(path: file.path)
        var buffer: [UInt8] = []
        var start = 0
        var line = 0
        var isAtEnd = false
        repeat {
            buffer.removeFirst(start)
            start = 0
            // Only what was just read can hold the next end of line.
            var searched = buffer.count
            isAtEnd = try !stream.read(into: &buffer)
            if account.bytes == 0 { start = Self.byteOrderMarkLength(buffer) }
            account.bytes += start
            while start < buffer.count {
                let newline = buffer[max(start, searched)...].firstIndex(of: UInt8(ascii: "\n"))
                guard let end = newline ?? (isAtEnd ? buffer.count : nil) else { break }
                line += 1
                let json = Self.text(buffer[start..<end], account: &account)
                account.bytes += newline == nil ? 0 : 1
                start = min(end + 1, buffer.count)
                searched = start
                if json.isBlank { continue }
                for text in Self.fieldCut.pieces(of: try field(of: json, at: "\(file.path), line \(line)"))
                where !text.isBlank {
                    account.documents += 1
                    try body(text)
                }
            }
            if buffer.count - start > Self.longestLine {
                throw CorpusError.data(
                    "\(file.path), line \(line + 1) is longer than \(Self.longestLine >> 20) MiB. Is it a file of JSON lines, one object per line?"
                )
            }
        } while !isAtEnd
    }

    private func field(of json: String, at place: String) throws(CorpusError) -> String {
        guard let object = try? UntrustedJSON.object(Data(json.utf8)) else {
            throw .data(
                "\(place) is no JSON object, but a .jsonl, .ndjson or .json file has one on each line: \(json.prefix(60))"
            )
        }
        guard let value = object[textField] else {
            let keys = object.keys.sorted().joined(separator: ", ")
            throw .data(
                "\(place) has no field \"\(textField)\"; it has \(keys.isEmpty ? "none" : keys). Name the text's field with --field"
            )
        }
        guard let text = value as? String else {
            throw .data("\(place): field \"\(textField)\" is no string. Name the text's field with --field")
        }
        return text
    }

    private static func byteOrderMarkLength(_ bytes: [UInt8]) -> Int {
        bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    }

    /// The text of bytes, repaired where need be; the account grows by them.
    private static func text(_ bytes: ArraySlice<UInt8>, account: inout Account) -> String {
        defer { account.bytes += bytes.count }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        var decoder = Unicode.UTF8.ForwardParser()
        var input = bytes.makeIterator()
        var offset = account.bytes
        while true {
            switch decoder.parseScalar(from: &input) {
            case .valid(let scalar): offset += scalar.count
            case .error(let length):
                account.invalidSequences += 1
                account.firstInvalidOffset = account.firstInvalidOffset ?? offset
                offset += length
            case .emptyInput: return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}

extension String {
    fileprivate var isBlank: Bool { utf8.allSatisfy { $0 == 0x20 || (0x09...0x0d).contains($0) } }
}
