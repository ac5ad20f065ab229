/// llm.c's two kinds of token shard: 1024 bytes of header (256 little-endian Int32: magic, version, token count, zeros),
/// then the token ids. Source: `write_datafile` in dev/data/data_common.py and llmc/dataloader.h of karpathy/llm.c.
enum ShardFormat: Int32, CaseIterable {
    /// UInt16 ids, version 1.
    case uint16 = 20_240_520
    /// UInt32 ids, version 7.
    case uint32 = 20_240_801

    static let headerSize = 1024
    /// The count in the header is an Int32.
    static let maximumTokens = Int(Int32.max)

    /// The narrower kind that holds all ids of a vocabulary.
    init(vocabularySize: Int) { self = vocabularySize <= 1 << 16 ? .uint16 : .uint32 }

    var version: Int32 {
        switch self {
        case .uint16: 1
        case .uint32: 7
        }
    }

    /// Bytes per token id.
    var width: Int {
        switch self {
        case .uint16: 2
        case .uint32: 4
        }
    }

    var signature: [UInt8] { Self.bytes(of: rawValue) }

    func header(tokenCount: Int32) -> [UInt8] {
        let fields = Self.bytes(of: rawValue) + Self.bytes(of: version) + Self.bytes(of: tokenCount)
        return fields + [UInt8](repeating: 0, count: Self.headerSize - fields.count)
    }

    private static func bytes(of number: Int32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
