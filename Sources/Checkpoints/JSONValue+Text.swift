import FileSafety
import Foundation

extension JSONValue {
    /// JSON files above this size are refused unread: none of ours, nor any header of the safetensors format, is larger.
    static let largestFile = 100_000_000

    /// Parses UTF-8 JSON. Refuses what parsers disagree about: invalid UTF-8, NUL bytes and keys that occur twice.
    ///
    /// - Parameter source: how errors name the text.
    public init(parsing bytes: [UInt8], source: String) throws(CheckpointError) {
        do {
            self = try UntrustedJSON.decode(JSONValue.self, from: Data(bytes))
        } catch {
            throw CheckpointError(.damaged, "\(source) is not valid JSON: \(Self.reason(error))")
        }
        if let key = Self.repeatedKey(in: bytes) {
            throw CheckpointError(.damaged, "\(source) has the key \"\(key)\" twice in one object")
        }
    }

    /// Reads and parses a JSON file.
    init(file path: String) throws {
        self = try JSONValue(parsing: InputFile(path).contents(atMost: Self.largestFile), source: path)
    }

    static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .keyNotFound(let key, _): return "the key \"\(key.stringValue)\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let place = context.codingPath.map(\.stringValue).joined(separator: ".")
            return place.isEmpty ? context.debugDescription : "at \(place): \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }

    /// The first key that one object of this (valid) JSON text holds twice. Foundation would keep either, silently.
    private static func repeatedKey(in json: [UInt8]) -> String? {
        var open: [Set<String>] = []
        var index = 0
        while index < json.count {
            switch json[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): open.append([])
            case UInt8(ascii: "}"), UInt8(ascii: "]"): open.removeLast()
            case UInt8(ascii: "\""):
                let start = index
                index += 1
                while json[index] != UInt8(ascii: "\"") { index += json[index] == UInt8(ascii: "\\") ? 2 : 1 }
                let literal = json[start...index]
                let next = json[(index + 1)...].first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
                // Only a key is followed by a colon.
                guard next == UInt8(ascii: ":"), let key = Self.string(of: literal) else { break }
                if !open[open.count - 1].insert(key).inserted { return key }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// What a literal, quotes included, says.
    private static func string(of literal: ArraySlice<UInt8>) -> String? {
        literal.contains(UInt8(ascii: "\\"))
            ? try? JSONDecoder().decode(String.self, from: Data(literal))
            : String(decoding: literal.dropFirst().dropLast(), as: UTF8.self)
    }

    /// The JSON text: two spaces of indentation, keys sorted, and every `number` with a decimal point or an exponent.
    ///
    /// Foundation writes 1.0 as `1`, and transformers 5 refuses a whole number where its configuration wants a float.
    /// What JSON cannot say, an infinity or a NaN, becomes null.
    public var text: String { text(indentedBy: 0) }

    private func text(indentedBy depth: Int) -> String {
        let inner = "\n" + String(repeating: "  ", count: depth + 1)
        let outer = "\n" + String(repeating: "  ", count: depth)
        switch self {
        case .null: return "null"
        case .bool(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        case .number(let value): return value.isFinite ? "\(value)" : "null"
        case .string(let value): return Self.quoted(value)
        case .array(let values):
            if values.isEmpty { return "[]" }
            return "[" + values.map { inner + $0.text(indentedBy: depth + 1) }.joined(separator: ",") + outer + "]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.sorted { $0.key < $1.key }.map { key, value in
                inner + Self.quoted(key) + ": " + value.text(indentedBy: depth + 1)
            }
            return "{" + lines.joined(separator: ",") + outer + "}"
        }
    }

    /// `string` as a JSON literal.
    static func quoted(_ string: String) -> String {
        var literal = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": literal += "\\\""
            case "\\": literal += "\\\\"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: literal.unicodeScalars.append(scalar)
            }
        }
        return literal + "\""
    }
}
