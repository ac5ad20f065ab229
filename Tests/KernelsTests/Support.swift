import Kernels

/// Numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

func randomFloats(_ count: Int, seed: UInt64, in range: ClosedRange<Float> = -1...1) -> [Float] {
    var generator = SeededGenerator(seed)
    return (0..<count).map { _ in Float.random(in: range, using: &generator) }
}

/// A view of memory of its own that holds `values`.
func slice(_ values: [Float]) -> FloatSlice {
    let slice = FloatArena(count: values.count).all
    slice.copy(from: values)
    return slice
}

/// A view that holds nothing but NaN, which every output must get rid of.
func unset(_ count: Int) -> FloatSlice {
    let slice = FloatArena(count: count).all
    slice.fill(.nan)
    return slice
}

/// The largest |found − wanted|; NaN if anything found is not a number.
func largestDifference(_ found: [Float], _ wanted: [Double]) -> Double {
    precondition(found.count == wanted.count)
    return zip(found, wanted).reduce(0) { largest, pair in
        let difference = abs(Double(pair.0) - pair.1)
        return largest.isNaN || difference <= largest ? largest : difference
    }
}

/// ∂f/∂x of every element of `x`, by central differences in Double.
func centralDifferences(at x: [Double], of f: ([Double]) -> Double) -> [Double] {
    let step = 1e-5
    return x.indices.map { index in
        var (above, below) = (x, x)
        above[index] += step
        below[index] -= step
        return (f(above) - f(below)) / (2 * step)
    }
}

extension [Float] {
    var doubles: [Double] { map(Double.init) }
    var bits: Bits { Bits(patterns: map(\.bitPattern)) }
}

/// Floats that compare as memory does: NaN equals NaN, 0 differs from −0. Not a collection, of which a failed
/// expectation would look for the shortest edit, for minutes.
struct Bits: Equatable, CustomStringConvertible {
    let patterns: [UInt32]
    var description: String { "\(patterns.count) floats" }
}

func dotProduct(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
