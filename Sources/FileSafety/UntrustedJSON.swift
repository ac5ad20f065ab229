import Foundation

/// JSON that may come from anywhere: only what Foundation's parser can be trusted with reaches it.
///
/// That parser takes 512 levels, and ends the process when a text stops exactly where it has one too many (Swift 6.3); and it
/// takes a text with zeros for UTF-16 or UTF-32, and so for another one than was looked at.
public enum UntrustedJSON {
    /// More levels than any file has that is read here.
    public static let deepest = 128

    /// - Throws: `DecodingError`.
    public static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        try require(data)
        return try JSONDecoder().decode(type, from: data)
    }

    /// The members of an object of any kind; nil where the text is something else.
    /// - Throws: where it is no JSON.
    public static func object(_ data: Data) throws -> [String: Any]? {
        try require(data)
        return try JSONSerialization.jsonObject(with: data) as? [String: Any]
    }

    private static func require(_ data: Data) throws {
        func refusal(_ text: String) -> DecodingError {
            .dataCorrupted(DecodingError.Context(codingPath: [], debugDescription: text))
        }
        guard !data.contains(0), String(validating: data, as: UTF8.self) != nil else {
            throw refusal("it is not UTF-8 text")
        }
        guard depth(of: data) <= deepest else { throw refusal("it is nested more than \(deepest) levels deep") }
    }

    /// The most brackets that are open at once. In a text that is no JSON it may be any number.
    private static func depth(of data: Data) -> Int {
        var (depth, deepest) = (0, 0)
        var (isInString, isEscaped) = (false, false)
        for byte in data {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}
