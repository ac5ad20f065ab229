import Corpus
import Foundation
import Testing

@Suite struct TokenDatasetTests {
    let directory = try! TemporaryDirectory()

    func dataset(_ paths: [String], length: Int = 4, vocabulary: Int = 1 << 16) throws -> TokenDataset {
        try TokenDataset(paths: paths, split: .train, sequenceLength: length, vocabularySize: vocabulary)
    }

    /// Token i of shard s is 1000 s + i, so that every window is an expression.
    @Test func windowsShareOneTokenAndNeverCrossShards() throws {
        let lengths = [13, 1, 12, 5, 4]
        let paths = try lengths.enumerated().map { shard, length in
            try directory.write(shard16((0..<UInt32(length)).map { 1000 * UInt32(shard) + $0 }), to: "s\(shard).bin")
        }
        let data = try dataset(paths)
        // (n − 1) / 4 windows each: 3, 0, 2, 1, 0.
        let expected: [(Int32, Int32)] = [(0, 0), (0, 4), (0, 8), (2, 0), (2, 4), (3, 0)]
        #expect(data.windowCount == expected.count)
        #expect(data.tokenCount == 35)
        for (index, (shard, start)) in expected.enumerated() {
            #expect(data.window(index) == (0...4).map { 1000 * shard + start + $0 }, "window \(index)")
        }
    }

    @Test func copiesIntoTheMiddleAndNowhereElse() throws {
        let data = try dataset([try directory.write(shard16([10, 11, 12, 13, 14, 15, 16, 17, 18]), to: "a.bin")])
        var tokens = [Int32](repeating: -1, count: 9)
        data.copyWindow(1, into: &tokens, at: 2)
        #expect(tokens == [-1, -1, 14, 15, 16, 17, 18, -1, -1])
    }

    @Test func wideIdsAndTheBoundaryBetweenTheWidths() throws {
        let narrow = try directory.write(shard16([0, 65_535, 1, 65_534, 2]), to: "narrow.bin")
        let wide = try directory.write(shard32([0, 65_535, 65_536, 128_255, 2]), to: "wide.bin")
        let data = try dataset([narrow, wide], vocabulary: 128_256)
        #expect(data.window(0) == [0, 65_535, 1, 65_534, 2])
        #expect(data.window(1) == [0, 65_535, 65_536, 128_255, 2])
        #expect(errorText { try dataset([narrow], vocabulary: 65_535) }.contains("token 1 has the id 65535"))
        let error = errorText { try dataset([wide], vocabulary: 128_255) }
        #expect(
            error.contains("wide.bin") && error.contains("token 3 has the id 128255") && error.contains("128255 ids"))
        let huge = try directory.write(shard32([0, .max, 0, 0, 0]), to: "huge.bin")
        #expect(errorText { try dataset([huge], vocabulary: 128_256) }.contains("4294967295"))
    }

    @Test func globsAreSortedByName() throws {
        for (name, first) in [("x_10.bin", 30), ("x_02.bin", 20), ("x_01.bin", 10), ("y.bin", 90)] {
            try directory.write(shard16((0..<5).map { UInt32(first + $0) }), to: name)
        }
        let data = try dataset([directory.path + "/x_*.bin"])
        #expect((0..<data.windowCount).map { data.window($0)[0] } == [10, 20, 30])
        #expect(data.paths.map { ($0 as NSString).lastPathComponent } == ["x_01.bin", "x_02.bin", "x_10.bin"])
        #expect(errorText { try dataset([directory.path + "/z_*.bin"]) }.contains("z_*.bin"))
    }

    @Test func theFingerprintIsOfTheContentAlone() throws {
        let tokens = (0..<20).map { UInt32($0) }
        let first = try directory.write(shard16(tokens), to: "a.bin")
        let second = try directory.write(shard16(tokens.reversed()), to: "b.bin")
        let copy = try directory.write(shard16(tokens), to: "elsewhere/c.bin")
        let changed = try directory.write(shard16(tokens.dropLast() + [18]), to: "d.bin")
        let base = try dataset([first, second]).fingerprint
        #expect(try dataset([copy, second]).fingerprint == base)
        #expect(try dataset([first, second], length: 7, vocabulary: 100).fingerprint == base)
        for other in [[second, first], [first], [changed, second], [first, second, first]] {
            #expect(try dataset(other).fingerprint != base)
        }
        #expect(try dataset([first]).separator == nil && dataset([first]).bytesPerToken == nil)
    }

    @Test func tooShortForOneWindow() throws {
        let path = try directory.write(shard16([1, 2, 3, 4]), to: "a.bin")
        #expect(try dataset([path], length: 3).windowCount == 1)
        let error = errorText { try dataset([path], length: 4) }
        #expect(error.contains("5 tokens") && error.contains("has 4") && error.contains("sequence_length"))
        #expect(errorText { try dataset([path], length: 0) }.contains("sequence_length"))
        #expect(errorText { try dataset([]) }.contains("data.train"))
    }

    @Test func documentMaskLooksBackToTheSeparator() {
        #expect(documentStarts(in: [5, 6, 1, 7, 7, 1, 1, 9], separator: 1) == [0, 0, 2, 2, 2, 5, 6, 6])
        #expect(documentStarts(in: [1, 6, 7], separator: 1) == [0, 0, 0])
        #expect(documentStarts(in: [], separator: 1) == [])
    }
}
