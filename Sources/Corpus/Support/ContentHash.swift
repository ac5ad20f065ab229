import CXXHash

/// XXH3 (64 bits) of bytes that arrive in parts.
/// Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md; from the system's libxxhash.
struct ContentHash: ~Copyable {
    private let state: OpaquePointer

    init() {
        guard let state = XXH3_createState() else { fatalError("out of memory for the state of a hash") }
        self.state = state
        XXH3_64bits_reset(state)
    }

    deinit { XXH3_freeState(state) }

    mutating func update(_ bytes: [UInt8]) { update(bytes.span.bytes) }

    mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { _ = XXH3_64bits_update(state, $0.baseAddress, $0.count) }
    }

    /// The hash of all bytes so far, as 16 hexadecimal digits.
    var hexadecimal: String { Self.hexadecimal(XXH3_64bits_digest(state)) }

    static func hexadecimal(_ hash: UInt64) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static func of(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { XXH3_64bits($0.baseAddress, $0.count) }
    }
}
