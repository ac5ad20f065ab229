import Yams

/// A place in a text, both counted from 1.
struct TextPosition: Sendable {
    let line: Int
    let column: Int
}

/// A text that is not the YAML of a configuration.
struct YAMLFault: Error {
    let position: TextPosition
    let message: String
}

/// The root of the one YAML document in `text`, `nil` where it holds nothing.
///
/// Aliases are refused before the parser sees them: a few lines of nested ones stand for more values than any memory
/// holds. Without them a document is never larger than its text, and libyaml itself stops at a thousand levels.
func composeYAML(_ text: String) throws(YAMLFault) -> Node? {
    if let anchor = firstName(behind: "&", in: text), firstName(behind: "*", in: text) != nil {
        throw YAMLFault(
            position: anchor,
            message: "anchors and aliases (&name, *name) are not taken in a configuration; write the value out, "
                + "or put it in quotes where it is a text")
    }
    do {
        return try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch let error as YamlError {
        throw error.fault(in: text)
    } catch {
        throw YAMLFault(position: TextPosition(line: 1, column: 1), message: "not valid YAML: \(error)")
    }
}

/// Where `indicator` may begin an anchor or alias: a name follows, and no letter or digit precedes, as one does in `R&D`.
private func firstName(behind indicator: Character, in text: String) -> TextPosition? {
    func isWordByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    var line = 1
    var column = 1
    var previous: UInt8 = 0
    var bytes = text.utf8.makeIterator()
    var next = bytes.next()
    while let byte = next {
        next = bytes.next()
        if byte == indicator.asciiValue, !isWordByte(previous), let next,
            isWordByte(next) || next == UInt8(ascii: "_") || next == UInt8(ascii: "-")
        {
            return TextPosition(line: line, column: column)
        }
        if byte == UInt8(ascii: "\n") {
            (line, column) = (line + 1, 1)
        } else if byte & 0xC0 != 0x80 {
            column += 1
        }
        previous = byte
    }
    return nil
}

extension YamlError {
    fileprivate func fault(in text: String) -> YAMLFault {
        switch self {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let circumstance = context?.text ?? ""
            var message = "not valid YAML: \(problem)" + (circumstance.isEmpty ? "" : " (\(circumstance))")
            if problem.contains("cannot start any token") { message += "; indent with spaces, not tabs" }
            if circumstance.contains("alias") { message += "; put quotes around a glob that begins with *" }
            return YAMLFault(
                position: TextPosition(line: mark.line, column: mark.column), message: message)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { String($0.prefix(60)) }.joined(separator: ", ")
            return YAMLFault(
                position: TextPosition(line: context.mark.line, column: context.mark.column),
                message: "given more than once in one section: \(names); keep one of each")
        case .reader(let problem, let offset, _, _):
            let before = text.prefix(offset ?? 0)
            let lineStart = before.lastIndex(where: \.isNewline).map { before.index(after: $0) } ?? before.startIndex
            return YAMLFault(
                position: TextPosition(
                    line: before.count(where: \.isNewline) + 1, column: before[lineStart...].count + 1),
                message: "not a text of YAML: \(problem)")
        default: return YAMLFault(position: TextPosition(line: 1, column: 1), message: "not valid YAML: \(self)")
        }
    }
}
