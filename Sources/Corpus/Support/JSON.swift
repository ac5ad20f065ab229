import Foundation

/// Indented, with sorted keys: the same value is the same bytes.
func encodedJSON(_ value: some Encodable) throws(CorpusError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
        return try encoder.encode(value) + Data("\n".utf8)
    } catch {
        throw .system("cannot write a \(type(of: value)) as JSON: \(error.localizedDescription)")
    }
}
