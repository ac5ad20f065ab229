extension ValueForm where Value == Duration {
    /// Whole seconds, or a sum of days, hours, minutes and seconds such as `2h30m`; from one second to a year.
    static var duration: Self {
        Self(
            wanted: "a time from 1s to 366d, such as 90 (seconds), 6m or 2h30m",
            read: { node throws(Mismatch) in
                guard let text = node.scalar?.string, let seconds = seconds(of: text),
                    (1...366 * 86_400).contains(seconds)
                else { throw Mismatch(node: node) }
                return .seconds(seconds)
            }, write: { .text(durationText($0)) })
    }
}

private let units: [(letter: Character, seconds: Int)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]

private func seconds(of text: String) -> Int? {
    if let seconds = Int(text) { return seconds }
    var rest = text[...]
    var total = 0
    for (letter, length) in units {
        guard let end = rest.firstIndex(of: letter) else { continue }
        // Six digits are enough for any time allowed here and cannot overflow.
        let digits = rest[..<end]
        guard digits.count <= 6, digits.allSatisfy(\.isNumber), let count = Int(digits) else { return nil }
        total += count * length
        rest = rest[rest.index(after: end)...]
    }
    return rest.isEmpty && !text.isEmpty ? total : nil
}

/// As it is written in a configuration: `2h30m`.
func durationText(_ duration: Duration) -> String {
    var rest = Int(duration.components.seconds)
    var text = ""
    for (letter, length) in units where rest >= length {
        text += "\(rest / length)\(letter)"
        rest %= length
    }
    return text
}
