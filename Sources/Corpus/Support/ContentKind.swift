/// What a file is, judged by its first bytes: so that an error can name it instead of calling it "bad magic".
enum ContentKind {
    /// A name for the kind, and what turns such a file into one that can be used. `nil`: nothing known and no NUL byte.
    static func foreign(_ start: [UInt8]) -> (name: String, remedy: String)? {
        for (signature, name, remedy) in signatures where start.starts(with: signature) { return (name, remedy) }
        // safetensors: eight bytes of length, then a JSON object.
        if start.count > 8, start[8] == UInt8(ascii: "{"), start[4..<8].allSatisfy({ $0 == 0 }) {
            return ("a safetensors file", "name the text or the token shards, not model weights")
        }
        return nil
    }

    private static let signatures: [(signature: [UInt8], name: String, remedy: String)] = [
        ([0x1f, 0x8b], "gzip-compressed", "unpack it with gunzip"),
        ([0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed", "unpack it with zstd -d"),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz-compressed", "unpack it with unxz"),
        (Array("BZh".utf8), "bzip2-compressed", "unpack it with bunzip2"),
        (Array("PK\u{3}\u{4}".utf8), "a zip archive", "unpack it and name the text files in it"),
        (Array("PAR1".utf8), "a Parquet table", "export its text column as JSON lines"),
        (Array("%PDF".utf8), "a PDF document", "extract its text with pdftotext"),
        (Array("MMIDIDX".utf8), "the index of a Megatron-LM dataset", "run `jreg-dist prepare` on the original text"),
        ([0x93] + Array("NUMPY".utf8), "a NumPy array", "run `jreg-dist prepare` on the original text"),
        ([0xff, 0xfe], "UTF-16 text", "convert it with iconv -f UTF-16 -t UTF-8"),
        ([0xfe, 0xff], "UTF-16 text", "convert it with iconv -f UTF-16 -t UTF-8"),
        (ShardFormat.uint16.signature, "a token shard", "name it as data.train, it is prepared already"),
        (ShardFormat.uint32.signature, "a token shard", "name it as data.train, it is prepared already"),
        ([0x8a, 0xd8, 0x34, 0x01], "a multiple-choice file of llm.c", "run `jreg-dist prepare` on the original text"),
    ]
}
