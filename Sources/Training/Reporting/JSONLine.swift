import Foundation

extension JSONEncoder {
    /// Writes on one line, with the keys in order. What is no number is written as the text "nan", "inf" or "-inf", which
    /// Python's float() reads: JSON has no word for it, and where training goes wrong it is what counts.
    static func lines() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }

    /// The text of a report.
    func text(_ report: some Encodable) -> String {
        // Numbers that are none were the only thing that an encoder could refuse.
        String(decoding: try! encode(report), as: UTF8.self)
    }
}
