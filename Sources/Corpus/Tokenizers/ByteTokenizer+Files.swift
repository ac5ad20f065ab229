extension ByteTokenizer {
    /// A byte-level BPE without merges, as Hugging Face's `tokenizers` reads it: its ids are the bytes themselves, behind
    /// one separator.
    public var files: [TokenizerFile] {
        let separator = Int(Self.separator)
        let byteLevel = #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}"#
        return HuggingFaceTokenizer(
            pieces: byteLevelAlphabet + ["<|endoftext|>"], specialIDs: [separator], beginOfText: separator,
            endOfText: separator, preTokenizer: byteLevel, decoder: byteLevel, name: Self.name
        ).files
    }
}

/// The characters that stand for the bytes 0…255 in a byte-level vocabulary: printable Latin-1 for itself, and the
/// characters from U+0100 on for the rest, in order. Source: `bytes_to_unicode` of GPT-2's tokenizer.
private let byteLevelAlphabet: [String] = {
    var spare: UInt16 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
        switch byte {
        case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: return String(UnicodeScalar(byte))
        default:
            defer { spare += 1 }
            return String(decoding: [spare], as: UTF16.self)
        }
    }
}()
