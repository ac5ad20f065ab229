import FileSafety
import Foundation
import Testing

@Suite struct FileSafetyTests {
    private func refusal(_ text: String) -> String? {
        do {
            _ = try UntrustedJSON.object(Data(text.utf8))
            return nil
        } catch { return "\(error)" }
    }

    /// 513 is where Foundation's parser would end the process.
    @Test(arguments: ["[", "{\"a\":", "[[{\"b\":["]) func nestedTooDeep(_ open: String) {
        for depth in [129, 511, 512, 513, 514, 10_000] {
            #expect(refusal(String(repeating: open, count: depth))?.contains("nested more than 128") == true)
        }
        #expect(throws: DecodingError.self) {
            try UntrustedJSON.decode([String].self, from: Data(String(repeating: open, count: 513).utf8))
        }
    }

    @Test func whatIsDeepEnough() {
        let array = String(repeating: "[", count: 127) + String(repeating: "]", count: 127)
        #expect(refusal("{\"a\": \(array)}") == nil)
        #expect(refusal("{\"a\": [\(array)]}") != nil)
        // Brackets in texts are none, nor do brackets side by side nest.
        #expect(refusal("{\"a\": \"\\\"\(String(repeating: "[", count: 1000))\\\\\"}") == nil)
        #expect(refusal("{\"a\": [\(String(repeating: "[],", count: 1000))1]}") == nil)
    }

    @Test func otherEncodingsAreRefused() {
        for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian, .utf32LittleEndian, .utf32BigEndian] {
            #expect(throws: DecodingError.self) { try UntrustedJSON.object("{}".data(using: encoding)!) }
        }
        #expect(throws: DecodingError.self) { try UntrustedJSON.object(Data([0x22, 0xff, 0x22])) }
    }

    @Test func plainText() {
        #expect("é\n漢😀".plain == "é\n漢😀")
        #expect("a\u{1b}[2J\u{9b}\r\t\u{7f}".plain == "a\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}")
        #expect(String(repeating: "x", count: 5000).plain.count == 4001)
        for name in ["model.safetensors", "a b", "..a", "é"] { #expect(isPlainFileName(name)) }
        for name in ["", ".", "..", "a/b", "/", "a\u{0}", "a\u{1b}", String(repeating: "x", count: 256)] {
            #expect(!isPlainFileName(name))
        }
    }

    @Test(arguments: [
        ("/no/such/file", "No such file or directory"), ("/dev/null/x", "Not a directory"), ("/", "Is a directory"),
    ])
    func theReasonIsTheKernels(_ path: String, _ reason: String) {
        let reading = #expect(throws: (any Error).self) {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            _ = try file.read(upToCount: 1)
        }
        let writing = #expect(throws: (any Error).self) { try Data([1]).write(to: URL(filePath: path)) }
        #expect(reading?.fileReason == reason && writing?.fileReason == reason)
    }
}
