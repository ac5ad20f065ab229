/// Where a long text may be cut into pieces that read as wholes.
struct TextCut {
    /// A blank line ends a piece only after this many bytes.
    let minimum: Int
    /// No piece is longer than this many bytes.
    let maximum: Int

    /// The length of the next piece of `bytes[start...]`: up to the first blank line after `minimum`, else to the last end
    /// of line within `maximum`, else to the last whole character. The rest as a whole when it is within `maximum`.
    func length(of bytes: [UInt8], from start: Int) -> Int {
        guard bytes.count - start > maximum else { return bytes.count - start }
        let newline = UInt8(ascii: "\n")
        let limit = start + maximum
        var lineEnd: Int?
        var index = start
        while index < limit {
            guard let found = bytes[index..<limit].firstIndex(of: newline) else { break }
            let isBlankLine = found == lineEnd || (found + 1 - (lineEnd ?? found) == 2 && bytes[found - 1] == 0x0d)
            lineEnd = found + 1
            index = found + 1
            if isBlankLine, index - start >= minimum { return index - start }
        }
        if let lineEnd { return lineEnd - start }
        // UTF-8 continuation bytes are 10xxxxxx; a character has at most three of them.
        var end = limit
        while end > limit - 4, end > start + 1, bytes[end] & 0xc0 == 0x80 { end -= 1 }
        return (bytes[end] & 0xc0 == 0x80 ? limit : end) - start
    }

    /// All pieces of a text, in order; joined they are the text.
    func pieces(of text: String) -> [String] {
        if text.utf8.count <= maximum { return [text] }
        let bytes = Array(text.utf8)
        var pieces: [String] = []
        var start = 0
        while start < bytes.count {
            let length = length(of: bytes, from: start)
            pieces.append(String(decoding: bytes[start..<start + length], as: UTF8.self))
            start += length
        }
        return pieces
    }
}
