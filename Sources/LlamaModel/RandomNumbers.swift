import Glibc

/// Random numbers as a pure function of a seed and an index, so that any rank can draw any of them.
/// The mixing is that of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
public struct RandomNumbers: Sendable {
    private let key: UInt64

    public init(seed: UInt64, stream: UInt64 = 0) {
        key = Self.mix(Self.mix(seed) ^ (stream &* 0xD1B5_4A32_D192_ED03))
    }

    /// 64 random bits.
    public func bits(_ index: UInt64) -> UInt64 { Self.mix(key &+ index &* 0x9E37_79B9_7F4A_7C15) }

    /// Uniform in [0, 1), with 53 bits.
    public func uniform(_ index: UInt64) -> Double { Double(bits(index) >> 11) * 0x1p-53 }

    /// Standard normal numbers `2·pair` and `2·pair + 1` (Box and Muller, 1958).
    public func normalPair(_ pair: UInt64) -> (Double, Double) {
        let radius = (-2 * log(1 - uniform(2 * pair))).squareRoot()
        let angle = 2 * Double.pi * uniform(2 * pair + 1)
        return (radius * cos(angle), radius * sin(angle))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
