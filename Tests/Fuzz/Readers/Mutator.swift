/// Damages sound files in the ways in which readers go wrong: bits and bytes, numbers at the limits of their types, lengths
/// that do not fit, text that is nested or repeated, files cut short or put together from two. The same for the same seed.
public struct Mutator {
    private let seeds: [[UInt8]]
    private var random: Randomness

    public init(_ seeds: [[UInt8]], seed: UInt64) {
        precondition(!seeds.isEmpty && seeds.allSatisfy { !$0.isEmpty }, "nothing to damage")
        self.seeds = seeds
        random = Randomness(state: seed)
    }

    /// The next damaged file.
    public mutating func next() -> [UInt8] {
        var content = seeds.randomElement(using: &random)!
        for _ in 0..<Int.random(in: 1...3, using: &random) where !content.isEmpty { damage(&content) }
        return content
    }

    private mutating func damage(_ content: inout [UInt8]) {
        let place = Int.random(in: content.indices, using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: content[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1:
            content[place] = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x5b, 0x7b, 0x5d, 0x7d, 0x0a, 0x1b].randomElement(
                using: &random)!
        case 2: content.removeSubrange(place..<min(place + Int.random(in: 1...16, using: &random), content.count))
        case 3:
            let end = min(place + Int.random(in: 1...64, using: &random), content.count)
            content.insert(contentsOf: content[place..<end], at: place)
        case 4: content.removeSubrange(place...)
        case 5: content.replaceSubrange(place..., with: seeds.randomElement(using: &random)!.dropFirst(place))
        case 6, 7: replaceNumeral(&content, from: place)
        case 8: replaceWord(&content, at: Bool.random(using: &random) ? 0 : place)
        case 9:
            let (open, close) = [("[", "]"), ("{\"a\":", "}"), ("{a: ", "}"), ("- ", "")].randomElement(using: &random)!
            let depth = [3, 300, 600, 5000].randomElement(using: &random)!
            let nest = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
            content.replaceSubrange(place..<min(place + 1, content.count), with: nest.utf8)
        case 10: repeatMember(&content, from: place)
        default:
            let text = ["\u{1b}]0;x\u{7}", "../", "/etc/passwd", "\\ud800", "\u{0}", "NaN", "null", "*a", "&a"]
            content.insert(contentsOf: text.randomElement(using: &random)!.utf8, at: place)
        }
    }

    /// Where 64 bits, 32 bits and doubles end, and what is no number.
    private static let numerals = [
        "-1", "0", "1", "255", "65536", "2147483647", "2147483648", "4294967296", "4611686018427387904",
        "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775808", "1e19", "1e999",
        "-0.0", "0.5", "1e-320", "\"1\"", "[]", "{}", "null", "true",
    ]

    /// Puts another in the place of the first numeral behind `place`.
    private mutating func replaceNumeral(_ content: inout [UInt8], from place: Int) {
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        guard let begin = content[place...].firstIndex(where: isDigit) else { return }
        let end = content[begin...].firstIndex { !isDigit($0) } ?? content.count
        content.replaceSubrange(begin..<end, with: Self.numerals.randomElement(using: &random)!.utf8)
    }

    /// Overwrites four or eight bytes with a number near a limit, little-endian.
    private mutating func replaceWord(_ content: inout [UInt8], at place: Int) {
        let limits: [UInt64] = [0, 1 << 7, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max]
        let value = limits.randomElement(using: &random)! &+ UInt64.random(in: 0...2, using: &random) &- 1
        for index in 0..<(Bool.random(using: &random) ? 4 : 8) where place + index < content.count {
            content[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
    }

    /// Writes the next member of an object, or line of a text, twice.
    private mutating func repeatMember(_ content: inout [UInt8], from place: Int) {
        let separators = Array(",\n".utf8)
        guard let begin = content[place...].firstIndex(where: separators.contains),
            let end = content[(begin + 1)...].firstIndex(where: separators.contains)
        else { return }
        content.insert(contentsOf: content[begin..<end], at: begin)
    }
}

/// SplitMix64: the same numbers in every run.
private struct Randomness: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }
}
