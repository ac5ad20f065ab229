/// One token per byte of UTF-8, plus one special id that opens and ends documents: 257 ids.
public struct ByteTokenizer: Tokenizer {
    /// The one id that is no byte.
    public static let separator: Int32 = 256

    /// What stands for this tokenizer where a path is expected, and marks its files.
    static let name = "bytes"

    public init() {}

    public var description: String { "bytes (257 ids, document separator \(Self.separator))" }
    public var vocabularySize: Int { 257 }
    public var beginOfText: Int32? { Self.separator }
    public var endOfText: Int32? { Self.separator }

    public func encode(_ text: String) -> [Int32] { text.utf8.map(Int32.init) }

    public func decode(_ tokens: [Int32]) -> String {
        // 0xFF never occurs in UTF-8, so an id that the vocabulary lacks shows as U+FFFD.
        let bytes = tokens.lazy.filter { $0 != Self.separator }.map { UInt8(exactly: $0) ?? 0xff }
        return String(decoding: Array(bytes), as: UTF8.self)
    }
}
