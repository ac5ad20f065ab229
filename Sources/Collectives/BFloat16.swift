/// bfloat16, the upper half of a 32-bit float, for what travels between nodes. It keeps the range and 8 bits of precision.
public enum BFloat16 {
    /// Rounds to the nearest, to the even one of two; NaN stays NaN.
    @inline(__always) static func bits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let rounded = (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16
        // A NaN whose set bits are all in the lower half would round to infinity.
        return UInt16(truncatingIfNeeded: value != value ? (bits >> 16) | 0x40 : rounded)
    }

    public static func encode(_ values: UnsafePointer<Float>, count: Int, into halves: UnsafeMutablePointer<UInt16>) {
        for index in 0..<count { halves[index] = bits(values[index]) }
    }

    public static func decode(_ halves: UnsafePointer<UInt16>, count: Int, into values: UnsafeMutablePointer<Float>) {
        for index in 0..<count { values[index] = Float(bitPattern: UInt32(halves[index]) << 16) }
    }

    /// Each value as it would arrive.
    public static func round(_ values: UnsafeMutablePointer<Float>, count: Int) {
        for index in 0..<count { values[index] = Float(bitPattern: UInt32(bits(values[index])) << 16) }
    }
}
