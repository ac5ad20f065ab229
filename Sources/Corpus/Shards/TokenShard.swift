import CPlatform
import FileSafety
import Foundation

/// The token ids of one shard, mapped into memory: ranks of a node share one copy in the page cache.
///
/// A file that is truncated while it is mapped ends the process (SIGBUS): shards are replaced by renaming, never in place.
final class TokenShard: Sendable {
    let path: String
    let tokenCount: Int
    /// XXH3 of the ids as they stand in the file.
    let hash: String
    private let format: ShardFormat
    private let content: Data

    /// Maps and validates the whole file.
    /// - Throws: `CorpusError` for a file that is foreign, truncated, empty, or holds an id outside the vocabulary.
    init(path: String, vocabularySize: Int) throws(CorpusError) {
        self.path = path
        try WholeFile.requireRegular(path)
        do {
            content = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        } catch {
            throw .usage("cannot read the shard \(path): \(error.fileReason)")
        }
        let header = Array(content.prefix(12))
        let format = ShardFormat.allCases.first { header.starts(with: $0.signature) }
        guard let format, header.count == 12 else {
            throw .data(Self.foreign(path, header: header, size: content.count))
        }
        let (version, count) = content.withUnsafeBytes { bytes in
            (
                Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int32.self)),
                Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self))
            )
        }
        guard version == format.version else {
            throw .data(
                "\(path) is a shard of version \(version), wanted \(format.version): run `jreg-dist prepare` again")
        }
        let wanted = ShardFormat.headerSize + Int(count) * format.width
        guard count > 0, content.count == wanted else {
            throw .data(
                "\(path) is damaged: its header promises \(count) tokens, so \(wanted) bytes, but it has \(content.count). Was it copied in full?"
            )
        }
        self.format = format
        tokenCount = Int(count)
        var hash = ContentHash()
        // In pieces, so that who watches sees a slow disk get on.
        let piece = 16 << 20
        for begin in stride(from: ShardFormat.headerSize, to: content.count, by: piece) {
            hash.update(content.bytes.extracting(begin..<min(begin + piece, content.count)))
            cplatform_vitals_beat()
        }
        self.hash = hash.hexadecimal
        if let (index, token) = firstToken(atLeast: vocabularySize) {
            throw .data(
                "\(path): token \(index) has the id \(token), but the model's vocabulary has \(vocabularySize) ids. Was the data prepared with another tokenizer? (model.vocab_size)"
            )
        }
    }

    /// Copies the ids of `range` to `tokens[offset...]`.
    func copy(_ range: Range<Int>, into tokens: inout [Int32], at offset: Int) {
        precondition(range.lowerBound >= 0 && range.upperBound <= tokenCount, "tokens outside of the shard")
        content.withUnsafeBytes { bytes in
            switch format {
            case .uint16:
                let ids = bytes.bindMemory(to: UInt16.self)
                let start = ShardFormat.headerSize / 2
                for index in range {
                    tokens[offset + index - range.lowerBound] = Int32(UInt16(littleEndian: ids[start + index]))
                }
            case .uint32:
                let ids = bytes.bindMemory(to: UInt32.self)
                let start = ShardFormat.headerSize / 4
                for index in range {
                    // Below the vocabulary's size, so it fits.
                    tokens[offset + index - range.lowerBound] = Int32(UInt32(littleEndian: ids[start + index]))
                }
            }
        }
    }

    private func firstToken(atLeast limit: Int) -> (index: Int, token: Int)? {
        content.withUnsafeBytes { bytes in
            switch format {
            case .uint16:
                first(in: bytes.bindMemory(to: UInt16.self).dropFirst(ShardFormat.headerSize / 2), atLeast: limit)
            case .uint32:
                first(in: bytes.bindMemory(to: UInt32.self).dropFirst(ShardFormat.headerSize / 4), atLeast: limit)
            }
        }
    }

    private func first<Ids: RandomAccessCollection>(
        in ids: Ids, atLeast limit: Int
    ) -> (index: Int, token: Int)? where Ids.Element: FixedWidthInteger, Ids.Index == Int {
        // The maximum first: that loop has no branch and runs at the speed of memory.
        var maximum: Ids.Element = 0
        for id in ids { maximum = max(maximum, Ids.Element(littleEndian: id)) }
        guard Int(maximum) >= limit, let index = ids.firstIndex(where: { Int(Ids.Element(littleEndian: $0)) >= limit })
        else { return nil }
        return (index - ids.startIndex, Int(Ids.Element(littleEndian: ids[index])))
    }

    private static func foreign(_ path: String, header: [UInt8], size: Int) -> String {
        let wanted = "wanted a token shard in llm.c's format, as `jreg-dist prepare` writes them"
        if header.isEmpty { return "\(path) is empty: \(wanted)" }
        if let foreign = ContentKind.foreign(header) {
            return "\(path) is \(foreign.name), \(wanted): \(foreign.remedy)"
        }
        if header.allSatisfy({ (0x20...0x7e).contains($0) || (0x09...0x0d).contains($0) }) {
            return "\(path) looks like text, \(wanted): run `jreg-dist prepare --input \(path)`"
        }
        let guess = size % 2 == 0 ? " (headerless UInt16 ids, as nanoGPT and Megatron-LM write them?)" : ""
        return "\(path) has no header\(guess), \(wanted): run `jreg-dist prepare` on the original text"
    }
}
