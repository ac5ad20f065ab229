import Yams

/// How one type of value is written in YAML: what it may be, in words, and both directions.
struct ValueForm<Value: Sendable>: Sendable {
    /// Completes "must be …".
    let wanted: String
    let read: @Sendable (Node) throws(Mismatch) -> Value
    let write: @Sendable (Value) -> ConfigValue
}

/// A value that is not of the form its key asks for.
struct Mismatch: Error {
    let found: String
    let position: TextPosition
    /// The part of the value that is wrong, as it follows the key: `[2]` or `.factor`; and what that part must be.
    var part = ""
    var wanted: String?
    /// What to write instead, where that can be told.
    var hint: String?

    init(node: Node, part: String = "", wanted: String? = nil, hint: String? = nil) {
        self.found = node.found
        self.position = node.position
        self.part = part
        self.wanted = wanted
        self.hint = hint
    }

    /// The same fault, told of the whole value whose `part` has it.
    func within(_ part: String, wanted: String) -> Mismatch {
        var mismatch = self
        mismatch.part = part
        mismatch.wanted = wanted
        return mismatch
    }
}

extension ValueForm where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Self {
        Self(
            wanted: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            read: { node throws(Mismatch) in
                let text = try node.numeral()
                guard let value = Int(text) ?? Double(text).flatMap(Int.init(exactly:)), range.contains(value) else {
                    throw Mismatch(node: node)
                }
                return value
            }, write: { .int($0) })
    }
}

extension ValueForm where Value == Double {
    static func number(_ wanted: String, _ isAllowed: @escaping @Sendable (Double) -> Bool) -> Self {
        Self(
            wanted: wanted,
            read: { node throws(Mismatch) in
                guard let value = Double(try node.numeral()), value.isFinite, isAllowed(value) else {
                    throw Mismatch(node: node)
                }
                return value
            }, write: { .number($0) })
    }

    static func number(_ range: ClosedRange<Double>) -> Self {
        .number("a number from \(range.lowerBound) to \(range.upperBound)") { range.contains($0) }
    }

    /// Above zero and at most `bound`.
    static func positive(upTo bound: Double) -> Self {
        .number("a number above 0 and at most \(bound)") { $0 > 0 && $0 <= bound }
    }

    /// From 0 up to 1, without 1.
    static var fraction: Self { .number("a number from 0 up to, but not including, 1") { $0 >= 0 && $0 < 1 } }
}

extension ValueForm where Value == Bool {
    static var truth: Self {
        Self(
            wanted: "true or false",
            read: { node throws(Mismatch) in
                switch node.plainText {
                case "true": return true
                case "false": return false
                case let word?:
                    let likely = ["yes": "true", "on": "true", "no": "false", "off": "false"][word.lowercased()]
                    throw Mismatch(node: node, hint: likely.map { "write \($0)" })
                case nil: throw Mismatch(node: node)
                }
            }, write: { .bool($0) })
    }
}

extension ValueForm where Value == String {
    static func text(_ wanted: String) -> Self {
        Self(
            wanted: wanted,
            read: { node throws(Mismatch) in
                guard let text = node.scalar?.string, !node.isNull, !text.isEmpty else { throw Mismatch(node: node) }
                // Who writes `trace: true` wants no file of this name.
                guard !["true", "false"].contains(node.plainText) else {
                    throw Mismatch(node: node, hint: "put it in quotes if it is meant as a name")
                }
                guard !text.unicodeScalars.contains(where: \.isControl) else {
                    throw Mismatch(node: node, hint: "it holds a line break or another control character")
                }
                return text
            }, write: { .text($0) })
    }
}

extension ValueForm where Value == [String] {
    /// A list of at least `minimum` texts; one text alone is a list of one.
    static func texts(_ wanted: String, atLeast minimum: Int = 0) -> Self {
        let element = ValueForm<String>.text(wanted)
        return Self(
            wanted: wanted,
            read: { node throws(Mismatch) in
                guard case .sequence(let nodes) = node else { return [try element.read(node)] }
                guard nodes.count >= minimum else { throw Mismatch(node: node, hint: "the list is empty") }
                var texts: [String] = []
                for (index, node) in nodes.enumerated() {
                    do throws(Mismatch) { texts.append(try element.read(node)) } catch {
                        throw error.within("[\(index)]", wanted: "a text")
                    }
                }
                return texts
            }, write: { .list($0.map { .text($0) }) })
    }
}

extension ValueForm where Value: RawRepresentable<String> & CaseIterable {
    static var choice: Self {
        let words = Value.allCases.map(\.rawValue)
        return Self(
            wanted: (words.count > 1 ? words.dropLast().joined(separator: ", ") + " or " : "") + words.last!,
            read: { node throws(Mismatch) in
                guard let word = node.scalar?.string, let value = Value(rawValue: word) else {
                    let nearest = node.scalar.flatMap { nearestWord(to: $0.string, among: words) }
                    throw Mismatch(node: node, hint: nearest.map { "did you mean \($0)?" })
                }
                return value
            }, write: { .text($0.rawValue) })
    }
}

extension ValueForm {
    /// `form`, or the word `none` (and always `null`) for `nil`.
    static func optional<Wrapped>(_ form: ValueForm<Wrapped>, none: String = "null") -> Self where Value == Wrapped? {
        Self(
            wanted: "\(form.wanted), or \(none)",
            read: { node throws(Mismatch) in
                // JSON has quotes around `auto`; around null they would make it a text.
                node.isNull || (none != "null" && node.scalar?.string == none) ? nil : try form.read(node)
            },
            write: { value in value.map(form.write) ?? (none == "null" ? .null : .text(none)) })
    }
}

extension Node {
    var position: TextPosition { TextPosition(line: mark?.line ?? 1, column: mark?.column ?? 1) }

    /// The text of a scalar without quotes.
    var plainText: String? { scalar.flatMap { $0.style == .plain ? $0.string : nil } }

    var isNull: Bool { plainText.map { ["", "~", "null", "Null", "NULL"].contains($0) } ?? false }

    /// The text of a decimal number. YAML 1.1 would have it that `3e-4` is none; here it is.
    func numeral() throws(Mismatch) -> String {
        guard let text = scalar?.string, !text.isEmpty, text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) })
        else { throw Mismatch(node: self) }
        guard plainText != nil else { throw Mismatch(node: self, hint: "take the quotes away") }
        return text
    }

    /// What an error message calls this value, in short.
    var found: String {
        switch self {
        case .scalar(let scalar):
            if isNull { return "empty" }
            let text = String(scalar.string.prefix(60))
            let shown = text.count < scalar.string.count ? text + "…" : text
            return plainText == nil ? "\"\(shown)\"" : shown
        case .mapping: return "a map"
        case .sequence: return "a list"
        case .alias: return "an alias"
        }
    }
}

extension Unicode.Scalar {
    var isControl: Bool { properties.generalCategory == .control }
}
