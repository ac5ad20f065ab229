import Checkpoints
import Testing

@Suite struct FileDigestTests {
    /// From Python's xxhash 3: `xxh3_64_hexdigest(bytes(range(256)) * repetitions)`. The longest takes three chunks.
    @Test(arguments: [(0, "2d06800538d394c2"), (40_000, "e93fd97c8f029ea3")])
    func theHashIsXXH3(repetitions: Int, wanted: String) throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/file"
            try write((0..<(256 * repetitions)).map { UInt8(truncatingIfNeeded: $0) }, to: path)
            let digest = try FileDigest(ofFile: path)
            #expect(digest.bytes == 256 * repetitions)
            #expect(digest.xxh3 == wanted)
        }
    }
}
