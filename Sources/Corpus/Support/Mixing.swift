/// A bijection of 64-bit numbers in which every input bit moves every output bit with probability near one half.
///
/// The finaliser of SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014),
/// with the constants of Stafford's variant 13.
@inline(always)
func mixed(_ number: UInt64) -> UInt64 {
    var bits = number
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
}

/// Steps of this odd number (2⁶⁴ divided by the golden ratio) visit every 64-bit number before they repeat one.
let goldenGamma: UInt64 = 0x9e37_79b9_7f4a_7c15
