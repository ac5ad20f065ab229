import CXXHash

/// XXH3 with 64 bits of a stream of bytes: as fast as memory, and enough against accidents (not against forgery).
final class StreamingHash {
    private let state = XXH3_createState()

    init() { XXH3_64bits_reset(state) }

    deinit { XXH3_freeState(state) }

    func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { _ = XXH3_64bits_update(state, $0.baseAddress, $0.count) }
    }

    /// The hash of everything so far, in 16 hexadecimal digits.
    var hexadecimal: String {
        let digits = String(XXH3_64bits_digest(state), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
