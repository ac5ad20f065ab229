/// The table by which a SentencePiece model rewrites characters before it splits a text: a double-array trie (of
/// darts-clone) whose leaves are places in a block of replacement texts.
///
/// The library follows it without looking where it leads. So every step that it could take is looked at here first.
/// Source: `Normalizer::DecodePrecompiledCharsMap` of google/sentencepiece, and darts-clone's `DoubleArrayUnit`.
struct CharacterMap {
    /// Four bytes little-endian: the size of the trie in bytes; the trie, of 32-bit units; the replacements, each with a
    /// NUL behind it.
    let content: ArraySlice<UInt8>

    /// Whether no lookup can leave the trie or the replacements.
    var isSound: Bool {
        if content.isEmpty { return true }
        guard content.count > 4 else { return false }
        let trieBytes = Int(Self.word(content.prefix(4)))
        let trie = content.dropFirst(4).prefix(trieBytes)
        let texts = content.dropFirst(4 + trie.count)
        guard trie.count == trieBytes, trieBytes % 4 == 0, trieBytes > 0, texts.last == 0 else { return false }
        let count = trieBytes / 4
        func unit(_ index: Int) -> UInt32 {
            let start = trie.startIndex + 4 * index
            return Self.word(trie[start..<(start + 4)])
        }
        for index in 0..<count {
            let node = unit(index)
            // A unit with the highest bit is a value; no byte of a text matches its label.
            if node >> 31 == 1 && index > 0 { continue }
            let offset = Int((node >> 10) << ((node & 1 << 9) >> 6))
            // The next byte of the text is combined with the lowest eight bits of this.
            let next = index ^ offset
            guard next | 0xff < count else { return false }
            let isEndOfKey = node >> 8 & 1 == 1
            if isEndOfKey, Int(unit(next) & 0x7fff_ffff) >= texts.count { return false }
        }
        return true
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
