import Corpus
import Foundation
import Testing

@Suite struct DamagedShardTests {
    let directory = try! TemporaryDirectory()

    func refusal(of bytes: [UInt8]) throws -> String {
        let path = try directory.write(bytes, to: "shard.bin")
        let text = errorText {
            try TokenDataset(paths: [path], split: .train, sequenceLength: 2, vocabularySize: 1 << 16)
        }
        #expect(text.contains(path))
        return text
    }

    @Test func everyTruncationIsNoticed() throws {
        let whole = shard16((0..<100).map { UInt32($0) })
        for size in [1, 3, 4, 11, 12, 1023, 1024, 1025, 1222, 1223] {
            #expect(try !refusal(of: Array(whole.prefix(size))).isEmpty, "\(size) bytes")
        }
        let text = try refusal(of: Array(whole.prefix(1222)))
        #expect(text.contains("1224 bytes") && text.contains("has 1222"))
        #expect(try refusal(of: whole + [0, 0]).contains("has 1226"))
    }

    @Test func impossibleHeaders() throws {
        let tokens: [UInt32] = [1, 2, 3]
        #expect(
            try refusal(of: shardBytes(magic: 20_240_520, version: 2, tokens: tokens)).contains("version 2, wanted 1"))
        #expect(
            try refusal(of: shardBytes(magic: 20_240_801, version: 1, tokens: tokens)).contains("version 1, wanted 7"))
        for count in [0, -1, .min, .max] as [Int32] {
            #expect(
                try refusal(of: shardBytes(magic: 20_240_801, version: 7, count: count, tokens: tokens)).contains(
                    "promises \(count) tokens"))
        }
    }

    @Test func foreignFilesAreCalledByTheirName() throws {
        let safetensors: [UInt8] = [90, 0, 0, 0, 0, 0, 0, 0] + Array(#"{"model.norm.weight":{}}"#.utf8)
        let foreign: [([UInt8], String)] = [
            ([], "is empty"), (safetensors, "safetensors"), ([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "gzip"),
            (Array("MMIDIDX\0\0".utf8) + [1, 0, 0, 0], "Megatron"),
            (Array("Once upon a time\nthere".utf8), "looks like text"),
            (Array(repeating: 0x91, count: 64), "nanoGPT"), (Array(repeating: 0x91, count: 63), "no header"),
            (shardBytes(magic: 20_240_522, version: 1, tokens: [0]), "multiple-choice"),
        ]
        for (bytes, name) in foreign { #expect(try refusal(of: bytes).contains(name)) }
    }

    @Test func missingFilesAndDirectoriesWithoutDescription() throws {
        func refusal(_ path: String) -> String {
            errorText { try TokenDataset(paths: [path], split: .validation, sequenceLength: 2, vocabularySize: 10) }
        }
        #expect(refusal(directory.path + "/none.bin").contains("none.bin"))
        #expect(refusal(directory.path).contains("dataset.json"))
        try directory.write("{", to: "broken/dataset.json")
        #expect(refusal(directory.path + "/broken").contains("damaged"))
    }
}
