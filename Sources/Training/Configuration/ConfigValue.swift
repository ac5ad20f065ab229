import Foundation

/// A value of the configuration on its way out, to YAML or to JSON.
enum ConfigValue: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case number(Double)
    case text(String)
    case list([ConfigValue])
    case map([(key: String, value: ConfigValue)])

    /// The value on one line of YAML; what is read back from it is the same value.
    var yaml: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): Self.isBareWord(value) ? value : json
        case .list(let values): "[" + values.map(\.yaml).joined(separator: ", ") + "]"
        case .map(let pairs): "{" + pairs.map { "\($0.key): \($0.value.yaml)" }.joined(separator: ", ") + "}"
        }
    }

    /// Compact JSON, keys sorted.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // All numbers here are finite, and that is all that JSON can refuse.
        return String(decoding: try! encoder.encode(self), as: UTF8.self)
    }

    /// Whether YAML reads `text` as this very text without quotes: it holds nothing but the characters of ordinary paths,
    /// begins with none that has a meaning, and is neither a number nor one of YAML's words for null and truth values.
    private static func isBareWord(_ text: String) -> Bool {
        let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./*".contains($0)) }
            && text.contains(where: \.isLetter) && !"_-.*".contains(text.first!)
            && Double(text) == nil && !words.contains(text.lowercased())
    }
}

extension ConfigValue: Encodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        if case .map(let pairs) = self {
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in pairs { try container.encode(value, forKey: Key(stringValue: key)) }
            return
        }
        var container = encoder.singleValueContainer()
        switch self {
        case .null, .map: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        }
    }
}
