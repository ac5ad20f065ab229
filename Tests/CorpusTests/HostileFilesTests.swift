import Corpus
import Foundation
import Testing

/// Data sets and tokenizers that were made to do harm.
@Suite struct HostileFilesTests {
    let directory = try! TemporaryDirectory()

    private func dataset(changing change: (String) -> String) throws -> String {
        let text = try directory.write("once upon a time\n\nthere was a file\n", to: "words.txt")
        let path = directory.path + "/data"
        var preparation = CorpusPreparation(inputs: [text], output: path, tokenizer: .bytes)
        preparation.overwrite = true
        _ = try preparation.run()
        let description = String(decoding: try directory.bytes("data/dataset.json"), as: UTF8.self)
        let changed = change(description)
        #expect(changed != description)
        try directory.write(changed, to: "data/dataset.json")
        return path
    }

    private func refusal(of path: String) -> String {
        errorText { try TokenDataset(paths: [path], split: .train, sequenceLength: 4, vocabularySize: 257) }
    }

    @Test(arguments: ["../data/train_000000.bin", "/etc/hostname", "..", "a\\u001b]0;x\\u0007"])
    func aShardThatLiesElsewhere(name: String) throws {
        let path = try dataset { $0.replacing("\"train_000000.bin\"", with: "\"\(name)\"") }
        #expect(refusal(of: path).contains("dataset.json is damaged"))
        #expect(DatasetDescription.inspect(path).count == 1)
    }

    /// Sums of these would overflow.
    @Test(arguments: ["9223372036854775807", "-1", "4611686018427387904"])
    func countsThatCannotBe(number: String) throws {
        for key in ["tokens", "documents", "text_bytes"] {
            let path = try dataset { $0.replacing(try! Regex("\"\(key)\" : [0-9]+"), with: "\"\(key)\" : \(number)") }
            #expect(refusal(of: path).contains("dataset.json is damaged"))
            #expect(DatasetDescription.inspect(path).first?.problem != nil)
        }
    }

    @Test func pipesAreNotWaitedFor() throws {
        let pipe = directory.path + "/tokenizer.model"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(refusal(of: pipe).contains("no regular file"))
        #expect(errorText { try loadTokenizer(at: pipe) }.contains("no regular file"))
        #expect(errorText { try loadTokenizer(inDirectory: directory.path) }.contains("no regular file"))
        #expect(refusal(of: "/dev/zero").contains("no regular file"))
    }

    // MARK: - SentencePiece models

    /// A length-delimited field of a protocol buffer.
    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        return [number << 3 | 2, UInt8(count & 127 | 128), UInt8(count >> 7 & 127 | 128), UInt8(count >> 14)] + content
    }

    /// Of a few pieces, with settings that are given in several parts, as the format allows.
    private func model(piece: String = "a", score: Float = -1, normalizers: [[UInt8]] = [[]]) -> [UInt8] {
        let pieces: [(String, Float, UInt8)] = [
            ("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁", -2, 1), (piece, score, 1),
        ]
        let content = pieces.flatMap { text, score, kind in
            let bits = (0..<4).map { UInt8(truncatingIfNeeded: score.bitPattern >> (8 * $0)) }
            return field(1, field(1, Array(text.utf8)) + [0x15] + bits + [0x18, kind])
        }
        return content + field(2, [0x18, 1]) + normalizers.flatMap { field(3, $0) }
    }

    /// Rewrites "a" to "b", by a trie of 256 units that is changed first.
    private func characterMap(_ change: (inout [UInt32]) -> Void = { _ in }, texts: [UInt8] = [98, 0]) -> [UInt8] {
        var units = [UInt32](repeating: 0, count: 256)
        // From the root to the unit 97 (= "a"), which has a value, at 97 ^ 1: the place of the text.
        units[97] = 1 << 10 | 1 << 8 | 97
        units[96] = 1 << 31
        change(&units)
        let words = [UInt32(4 * units.count)] + units
        return field(2, words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } } + texts)
    }

    private func load(_ model: [UInt8]) throws -> SentencePieceTokenizer {
        try SentencePieceTokenizer(content: Data(model), name: "some.model")
    }

    @Test func aSoundTableOfCharactersIsUsed() throws {
        let plain = try load(model(piece: "b"))
        let rewriting = try load(model(piece: "b", normalizers: [characterMap()]))
        #expect(try plain.encode("b") == rewriting.encode("b"))
        #expect(try plain.encode("a") != plain.encode("b"))
        #expect(try rewriting.encode("a") == rewriting.encode("b"))
    }

    /// The library would follow it out of the memory that it has.
    @Test func aTableOfCharactersThatLeadsOut() {
        let bad: [[UInt8]] = [
            characterMap { $0[97] = 0x1f_ffff << 10 | 97 },
            characterMap { $0[97] = 1 << 10 | 1 << 9 | 97 },
            characterMap { $0[0] = 256 << 10 },
            characterMap { $0[96] = 1 << 31 | 2 },
            characterMap { $0[96] = .max },
            characterMap { $0.removeLast() },
            characterMap { $0 = [] },
            characterMap(texts: [98]), characterMap(texts: []),
            field(2, [1, 2, 3]), field(2, [255, 255, 255, 255, 0]), field(2, [4, 0, 0, 0, 0]),
        ]
        for map in bad {
            // Alone, and hidden behind or before settings without one.
            for normalizers in [[map], [map, []], [[], map], [characterMap(), map], [map, characterMap()]] {
                #expect(errorText { try load(model(normalizers: normalizers)) }.contains("leads out of itself"))
            }
            #expect(errorText { try load(model() + field(5, map)) }.contains("leads out of itself"))
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func aScoreThatIsNoNumber(score: Float) {
        #expect(errorText { try load(model(score: score)) }.contains("no score"))
    }

    /// The library skips what stands between the two marks of a group, and takes the table behind it.
    @Test func aTableOfCharactersBehindAGroup() {
        let (group, bad) = ([UInt8]([0x53, 0x54]), characterMap { $0[0] = 256 << 10 })
        for normalizers in [[group + bad], [[], group + bad], [group + bad, []]] {
            #expect(errorText { try load(model(normalizers: normalizers)) }.contains("some.model is "))
        }
        #expect(errorText { try load(model() + field(5, group + bad)) }.contains("some.model is "))
    }

    /// Of two values in different wire types, the library takes the one of the right type.
    @Test func aScoreThatHidesBehindANumber() {
        let hidden = field(1, field(1, [0x62]) + [0x15, 0, 0, 0xc0, 0x7f] + [0x10, 0] + [0x18, 1])
        #expect(errorText { try load(model() + hidden) }.contains("is damaged"))
    }

    /// Every way to cut a piece in two is looked at: more than this would take for ever.
    @Test func aPieceWithoutEnd() throws {
        #expect(errorText { try load(model(piece: String(repeating: "a", count: 1025))) }.contains("1024 bytes"))
        #expect(try load(model(piece: String(repeating: "a", count: 1024))).vocabularySize == 5)
    }

    /// A field number beyond 32 bits: the library would cut it, and see another field than was checked.
    @Test func aFieldNumberThatIsCut() {
        let hidden: [UInt8] = [0x9a, 0x80, 0x80, 0x80, 0x10, 0]
        #expect(errorText { try load(model() + hidden) }.contains("no SentencePiece model"))
    }
}
