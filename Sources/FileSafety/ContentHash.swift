import CXXHash

/// XXH3 (64 bits) of bytes that arrive in parts: as fast as memory, and enough against accidents (not against forgery).
/// Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md; from the system's libxxhash.
@safe public struct ContentHash: ~Copyable {
    private let state: OpaquePointer

    public init() {
        guard let state = unsafe XXH3_createState() else { fatalError("out of memory for the state of a hash") }
        unsafe self.state = state
        unsafe XXH3_64bits_reset(state)
    }

    deinit { _ = unsafe XXH3_freeState(state) }

    public mutating func update(_ bytes: [UInt8]) { unsafe update(bytes.span.bytes) }

    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { _ = unsafe XXH3_64bits_update(state, $0.baseAddress, $0.count) }
    }

    /// The hash of all bytes so far, as 16 hexadecimal digits.
    public var hexadecimal: String { Self.hexadecimal(unsafe XXH3_64bits_digest(state)) }

    public static func hexadecimal(_ hash: UInt64) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    public static func of(_ text: String) -> UInt64 {
        var text = text
        return text.withUTF8 { unsafe XXH3_64bits($0.baseAddress, $0.count) }
    }
}
