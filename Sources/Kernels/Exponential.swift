import Glibc

/// eˣ in sixteen lanes, within 2 units in the last place on [-86, 88] and clamped outside.
///
/// x = n·ln 2 + r with |r| ≤ ½ ln 2, then a polynomial in r (coefficients of Cephes' `expf`, S. Moshier) and n added to
/// the exponent. Adding 1.5·2²³ rounds to an integer and leaves n in the low bits: far fewer instructions than a
/// conversion of the SIMD types, which Swift compiles lane by lane.
@inline(__always) func exponential(_ argument: Lanes) -> Lanes {
    var x = argument
    x.replace(with: Lanes(repeating: -86), where: x .< Lanes(repeating: -86))
    x.replace(with: Lanes(repeating: 88), where: x .> Lanes(repeating: 88))
    let roundingShift = Lanes(repeating: 12_582_912)
    let shifted = roundingShift.addingProduct(x, Lanes(repeating: 1.442_695_04))
    let n = shifted - roundingShift
    let r = x.addingProduct(n, Lanes(repeating: -0.693_359_375)).addingProduct(n, Lanes(repeating: 2.121_944_4e-4))
    var p = Lanes(repeating: 1.987_569_150_0e-4)
    p = Lanes(repeating: 1.398_199_950_7e-3).addingProduct(p, r)
    p = Lanes(repeating: 8.333_451_907_3e-3).addingProduct(p, r)
    p = Lanes(repeating: 4.166_579_589_4e-2).addingProduct(p, r)
    p = Lanes(repeating: 1.666_666_545_9e-1).addingProduct(p, r)
    p = Lanes(repeating: 5.000_000_120_1e-1).addingProduct(p, r)
    let y = (r + 1).addingProduct(p, r * r)
    let exponent = unsafeBitCast(shifted, to: SIMD16<Int32>.self) &<< 23
    var result = unsafeBitCast(unsafeBitCast(y, to: SIMD16<Int32>.self) &+ exponent, to: Lanes.self)
    // The sum of bits may have made a number of what was none, and hidden a run that diverged.
    result.replace(with: argument, where: argument .!= argument)
    return result
}

/// eˣ of one number with the bits that `exponential` gives in a lane, so that a tail does not differ from the body.
@inline(__always) func exponential(_ x: Float) -> Float { exponential(Lanes(repeating: x))[0] }
