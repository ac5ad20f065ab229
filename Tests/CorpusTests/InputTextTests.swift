import Corpus
import Foundation
import Testing

@Suite struct InputTextTests {
    let preparations = PreparationTests()
    var directory: TemporaryDirectory { preparations.directory }

    /// All documents of the inputs, in order.
    func read(_ inputs: [String], field: String = "text") throws -> (documents: [String], notes: [String]) {
        let outcome = try preparations.prepare(inputs) {
            $0.validationFraction = 0
            $0.overwrite = true
            $0.textField = field
        }
        return (try preparations.documents(.train), outcome.notes)
    }

    @Test func gzipIsKnownByItsContent() throws {
        let text = madeUpText(bytes: 400_000, seed: 2)
        let plain = try directory.write(text, to: "a.txt")
        let packed = try directory.gzip(plain)
        try FileManager.default.moveItem(atPath: packed, toPath: directory.path + "/b.dz")
        let expected = try read([plain]).documents
        #expect(try read([directory.path + "/b.dz"]).documents == expected)
        // Two members in one file, as `cat a.gz b.gz` makes them.
        let bytes = try directory.bytes("b.dz")
        #expect(try read([try directory.write(bytes + bytes, to: "c.gz")]).documents.joined() == text + text)
        for size in [bytes.count / 2, bytes.count - 4] {
            let error = errorText { try read([try directory.write(Array(bytes.prefix(size)), to: "d.gz")]) }
            #expect(error.contains("d.gz") && error.contains("damaged"))
        }
    }

    @Test func jsonLinesOfAllShapes() throws {
        let lines =
            "\u{feff}{\"text\": \"one\", \"id\": 1}\r\n\r\n{\"text\": \"\"}\n   \n{\"text\":\"two\\n\\ud83d\\ude00\"}"
        let plain = try directory.write(lines, to: "a.jsonl")
        #expect(try read([plain]).documents == ["one", "two\n😀"])
        #expect(try read([try directory.gzip(plain)]).documents == ["one", "two\n😀"])
        let other = try directory.write("{\"body\": \"three\"}\n", to: "b.ndjson")
        #expect(try read([other], field: "body").documents == ["three"])
    }

    @Test func jsonLinesThatAreNot() throws {
        func refusal(_ lines: String) throws -> String {
            let path = try directory.write(lines, to: "a.jsonl")
            return errorText { try read([path]) }
        }
        let noField = try refusal("{\"text\": \"one\"}\n\n{\"body\": \"two\", \"id\": 3}\n")
        #expect(noField.contains("a.jsonl, line 3") && noField.contains("\"text\"") && noField.contains("body, id"))
        #expect(noField.contains("--field"))
        #expect(try refusal("{\"text\": 5}").contains("line 1"))
        #expect(try refusal("{\"text\": \"one\"}\n{\"text\": \"tw").contains("line 2"))
        #expect(try refusal("[1, 2]").contains("no JSON object"))
        #expect(try refusal("once upon a time").contains("once upon a time"))
    }

    /// A text longer than a document may be becomes several, none of it lost.
    @Test func longFieldsAreCut() throws {
        let text = madeUpText(bytes: 3 << 20, seed: 4)
        let documents = try read([try preparations.jsonLines([text, "short"])]).documents
        #expect(documents.count == 5 || documents.count == 6 || documents.count == 7)
        #expect(documents.dropLast().joined() == text && documents.last == "short")
        #expect(documents.allSatisfy { $0.utf8.count <= 1 << 20 })
    }

    @Test func directoriesInTheOrderOfTheirPaths() throws {
        try directory.write("two", to: "in/b/2.txt")
        try directory.write("one", to: "in/a.md")
        try directory.write("three", to: "in/b.text")
        try directory.write("hidden", to: "in/.git/config")
        try directory.write([0x89, 0x50, 0x4e, 0x47, 0, 0], to: "in/picture.png")
        try directory.write([0x28, 0xb5, 0x2f, 0xfd, 1], to: "in/b/x.zst")
        let (documents, notes) = try read([directory.path + "/in"])
        // "." sorts before "/".
        #expect(documents == ["one", "three", "two"])
        #expect(notes.contains { $0.contains("picture.png") } && notes.contains { $0.contains("zstd") })
        #expect(errorText { try read([directory.path + "/in/b/x.zst"]) }.contains("zstd -d"))
        #expect(errorText { try read([directory.path + "/in/picture.png"]) }.contains("NUL"))
    }

    @Test func theDatasetIsNoInputOfItself() throws {
        try directory.write("one\ntwo", to: "out/in.txt")
        #expect(try read([directory.path + "/out"]).documents == ["one\ntwo"])
        #expect(try read([directory.path + "/out"]).documents == ["one\ntwo"])
    }

    @Test func nothingToRead() throws {
        #expect(errorText { try read([]) }.contains("--input"))
        #expect(errorText { try read([directory.path + "/none.txt"]) }.contains("none.txt"))
        try FileManager.default.createDirectory(atPath: directory.path + "/empty", withIntermediateDirectories: true)
        #expect(errorText { try read([directory.path + "/empty"]) }.contains("empty"))
        for blank in ["", " \n\t\r\n"] {
            let path = try directory.write(blank, to: "blank.txt")
            #expect(errorText { try read([path]) }.contains("blank.txt"))
        }
        #expect(errorText { try read(["/dev/null"]) }.contains("no regular file"))
    }

    @Test func brokenUTF8IsRepairedWhenRareAndRefusedWhenNot() throws {
        var bytes = Array(madeUpText(bytes: 10_000, seed: 9).utf8.filter { $0 < 0x80 })
        bytes[5000] = 0xff
        bytes[7000] = 0xe2
        let (documents, notes) = try read([try directory.write(bytes, to: "a.txt")])
        #expect(documents.joined().unicodeScalars.count { $0 == "\u{fffd}" } == 2)
        #expect(notes.contains { $0.contains("a.txt") && $0.contains("2 invalid") && $0.contains("byte 5000") })

        // Latin-1.
        let latin = "caf\u{e9} cr\u{e8}me ".unicodeScalars.map { UInt8($0.value) }
        let error = errorText { try read([try directory.write(latin + latin + latin, to: "b.txt")]) }
        #expect(error.contains("b.txt is not UTF-8") && error.contains("byte 3") && error.contains("iconv"))
        let wide: [UInt8] = [0xff, 0xfe] + Array("hello".utf8).flatMap { [$0, 0] }
        #expect(errorText { try read([try directory.write(wide, to: "c.txt")]) }.contains("UTF-16"))
    }

    @Test func theOffsetOfABrokenByteCountsFromTheStartOfTheFile() throws {
        var bytes = Array(madeUpText(bytes: 900_000, seed: 10).utf8)
        bytes[777_777] = 0xff
        let scalarStart = bytes[777_776] < 0x80 && bytes[777_778] < 0x80
        let notes = try read([try directory.write(bytes, to: "a.txt")]).notes
        #expect(scalarStart && notes.contains { $0.contains("byte 777777") })
    }
}
