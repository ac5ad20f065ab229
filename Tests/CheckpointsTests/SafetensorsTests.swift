import Checkpoints
import Foundation
import Kernels
import Testing

@Suite struct SafetensorsTests {
    // MARK: - Files of the reference implementation

    @Test func readsEveryFloatTypeThatPythonWrites() throws {
        let file = try SafetensorsFile(fixtures + "/types.safetensors")
        let values: [Float] = [0, -0.0, 1, -1.5, 3.140625, 65280, 0x1p-24, .infinity, -.infinity, -7]
        for name in ["f32", "bf16", "f16"] {
            #expect(try file.floats(name).map(\.bitPattern) == values.map(\.bitPattern), "\(name)")
        }
        #expect(try file.doubles("f64") == values.map { Double($0) / 3 })
        #expect(try file.floats("f64") == values.map { Float(Double($0) / 3) })
        #expect(try file.floats("scalar") == [42])
        #expect(file.tensors["scalar"]?.shape == [])
        #expect(try file.floats("empty") == [])
        #expect(file.tensors["empty"]?.shape == [0, 3])
        #expect(file.tensors["matrix"]?.shape == [5, 3])
        #expect(file.metadata == ["note": "quoted \"text\"\n"])
        #expect(file.order.count == 8)
    }

    @Test(arguments: ["matrix", "bf16", "f16", "f64"])
    func readsAnyPartOfATensor(name: String) throws {
        let file = try SafetensorsFile(fixtures + "/types.safetensors")
        let all = try file.floats(name)
        for lower in 0...all.count {
            for upper in lower...all.count {
                let part = FloatArena(count: upper - lower)
                try file.read(name, elements: lower..<upper, into: part.all)
                #expect(part.all.array == Array(all[lower..<upper]))
            }
        }
    }

    @Test func otherTypesAndUnknownNamesAreNamed() throws {
        let file = try SafetensorsFile(fixtures + "/types.safetensors")
        let type = failure { _ = try file.floats("ids") }
        #expect(type?.kind == .unsupported && type?.description.contains("ids") == true)
        #expect(type?.description.contains("I64") == true)
        #expect(failure { _ = try file.floats("f31") }?.description.contains("no tensor f31") == true)
    }

    // MARK: - Round trips

    @Test(arguments: [1, 2, 3, 7, 16, 33, 1000])
    func whatIsStreamedInAnyPiecesIsReadBack(piece: Int) throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/file.safetensors"
            let tensors = [
                ("a", [3, 5]), ("scalar", []), ("none", [4, 0]), ("weights \"ü\"\n", [17]), ("b", [1, 1, 101]),
            ]
            let values = ramp(15 + 1 + 17 + 101)
            let writer = try SafetensorsWriter(path, tensors: tensors, metadata: ["why": "a \"test\""])
            for start in stride(from: 0, to: values.count, by: piece) {
                try writer.append(values[start..<min(start + piece, values.count)])
            }
            let digest = try writer.finish()

            let file = try SafetensorsFile(path)
            #expect(file.order.map(\.shape) == tensors.map(\.1))
            var read: [Float] = []
            for (name, _) in tensors { read += try file.floats(name) }
            #expect(read == values.array)
            #expect(file.metadata == ["format": "pt", "why": "a \"test\""])
            #expect(file.order[0].byteRange.lowerBound % 8 == 0)
            let size = SafetensorsWriter.byteCount(tensors: tensors, metadata: ["why": "a \"test\""])
            #expect(try bytes(path).count == size && digest.bytes == size)
            #expect(try FileDigest(ofFile: path) == digest)
        }
    }

    @Test func tensorsLongerThanAChunkAreConverted() throws {
        try withTemporaryDirectory { directory in
            let count = (1 << 20) + 3
            let stored = (0..<count).map { UInt16(truncatingIfNeeded: $0 & 0x7F00) }
            let header = #"{"x":{"dtype":"BF16","shape":[\#(count)],"data_offsets":[0,\#(2 * count)]}}"#
            let path = directory + "/big.safetensors"
            try write(file(header) + stored.withUnsafeBytes { Array($0) }, to: path)
            let floats = try SafetensorsFile(path).floats("x")
            #expect(floats == stored.map { Float(bitPattern: UInt32($0) << 16) })
        }
    }

    @Test func exactlyTheDeclaredFloatsAreTaken() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/file.safetensors"
            let tooFew = try SafetensorsWriter(path, tensors: [("a", [4])])
            try tooFew.append([1, 2, 3])
            let missing = failure { _ = try tooFew.finish() }
            #expect(missing?.kind == .misuse && missing?.description.contains("given 3 floats") == true)
            #expect(failure { try tooFew.append([4, 5]) }?.description.contains("2 more do not fit after 3") == true)
            try tooFew.append([4])
            _ = try tooFew.finish()
            #expect(try SafetensorsFile(path).floats("a") == [1, 2, 3, 4])
        }
    }

    @Test func aFileThatIsCutAfterItWasOpenedIsAnError() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/file.safetensors"
            try write(file(#"{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, body: 16), to: path)
            let opened = try SafetensorsFile(path)
            #expect(truncate(path, off_t(try bytes(path).count - 1)) == 0)
            #expect(failure { _ = try opened.floats("x") }?.kind == .damaged)
        }
    }

    // MARK: - Unsound headers

    func file(_ header: String, body: Int = 0, claimed: UInt64? = nil) -> [UInt8] {
        let length = claimed ?? UInt64(header.utf8.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
            + Array(repeating: 0, count: body)
    }

    func refusal(_ content: [UInt8]) throws -> CheckpointError? {
        try withTemporaryDirectory { directory in
            let path = directory + "/file.safetensors"
            try write(content, to: path)
            let refusal = failure { _ = try SafetensorsFile(path) }
            if let refusal { #expect(refusal.description.contains(path)) }
            return refusal
        }
    }

    @Test(arguments: [
        // The header's own faults.
        ("x", 0, "does not begin with {"), ("", 0, "does not begin with {"), ("[]", 0, "does not begin with {"),
        (" {}", 0, "does not begin with {"), ("{", 0, "not valid JSON"), ("{\"a\":1}}", 0, "not valid JSON"),
        ("{}\0\0", 0, "not UTF-8"), ("{\0}\0", 0, "not UTF-8"),
        (#"{"__metadata__":{"a":1}}"#, 0, "strings to strings"), (#"{"__metadata__":[]}"#, 0, "strings to strings"),
        // Keys that parsers would disagree about, one of them spelled with an escape.
        (
            #"{"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#,
            4, "\"x\" twice"
        ),
        (
            #"{"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\u0078":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#,
            4, "\"x\" twice"
        ),
        (#"{"x":{"dtype":"F32","dtype":"I8","shape":[],"data_offsets":[0,4]}}"#, 4, "\"dtype\" twice"),
        // One tensor's faults.
        (#"{"x":7}"#, 0, "dtype of x is missing"),
        (#"{"x":{"dtype":"F33","shape":[],"data_offsets":[0,4]}}"#, 4, "F33"),
        (#"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "shape of x"),
        (#"{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4, "shape of x"),
        (#"{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#, 4, "shape of x"),
        (#"{"x":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}"#, 4, "shape of x"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "data_offsets of x"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, 4, "data_offsets of x"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#, 4, "data_offsets of x"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}"#, 4, "data_offsets of x"),
        (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "not what F32 [2] takes"),
        (#"{"x":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#, 1, "not what F4 [3] takes"),
        // Products that would wrap around to the right size.
        (#"{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "too large to count"),
        (#"{"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, 0, "not what F32"),
        // Between the tensors.
        (
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            4, "overlaps"
        ),
        (
            #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            8, "overlaps"
        ),
        (
            #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#,
            12, "hole"
        ),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "hole"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "cut short"),
        (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5, "appended"), ("{}", 1, "appended"),
    ])
    func unsoundHeadersAreRefused(header: String, body: Int, reason: String) throws {
        let refusal = try refusal(file(header, body: body))
        #expect(refusal?.kind == .damaged)
        #expect(refusal?.description.contains(reason) == true, "\(refusal?.description ?? "accepted")")
    }

    @Test(arguments: [1, 3, 100_000_000, 100_000_001, UInt64(Int64.max), UInt64(Int64.max) + 1, UInt64.max])
    func headerLengthsBeyondTheFileOrTheLimitAreRefusedUnread(claimed: UInt64) throws {
        #expect(try refusal(file("{}", claimed: claimed))?.kind == .damaged)
    }

    @Test func everyTruncationIsRefused() throws {
        let whole = try bytes(fixtures + "/types.safetensors")
        for count in 0..<whole.count {
            #expect(try refusal(Array(whole[..<count]))?.kind == .damaged, "cut to \(count) bytes")
        }
    }

    @Test func deepNestingIsRefused() throws {
        let deep = #"{"x":"# + String(repeating: "[", count: 100_000)
        #expect(try refusal(file(deep + String(repeating: "]", count: 100_000) + "}"))?.kind == .damaged)
    }

    /// Changes one to four bytes of a sound file at random: it is refused, or what it then says can be read.
    @Test func changedHeadersAreRefusedOrConsistent() throws {
        let sound = try bytes(fixtures + "/types.safetensors")
        let header = 8 + Int(sound[0]) + Int(sound[1]) << 8
        var generator = SeededGenerator(state: 1)
        var refused = 0
        try withTemporaryDirectory { directory in
            let path = directory + "/changed.safetensors"
            for _ in 0..<600 {
                var changed = sound
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let printable = UInt8.random(in: 0x20...0x7E, using: &generator)
                    let any = UInt8.random(in: 0...255, using: &generator)
                    changed[Int.random(in: 0..<header, using: &generator)] =
                        Bool.random(using: &generator) ? printable : any
                }
                try write(changed, to: path)
                guard let file = try? SafetensorsFile(path) else {
                    refused += 1
                    continue
                }
                for tensor in file.order {
                    #expect(tensor.byteRange.upperBound <= sound.count)
                    if let values = try? file.floats(tensor.name) { #expect(values.count == tensor.count) }
                }
            }
        }
        #expect(refused > 200 && refused < 600)
    }
}
