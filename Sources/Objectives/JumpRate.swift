/// ζ_l = 100 · Σ_{k=l..L} max(0, Ψ_k − Ψ_{k−1}) with Ψ_0 = 0: how much of the turning comes as sudden jumps from layer l
/// on (arXiv 2601.18302).
public enum JumpRate {
    /// ζ_1...ζ_L from the mean displacements Ψ_1...Ψ_L.
    public static func profile(_ displacements: [Double]) -> [Double] {
        var jumps = displacements
        for layer in jumps.indices {
            // In this order max lets a NaN through: a profile must not look calm when the run has diverged.
            jumps[layer] = 100 * max(displacements[layer] - (layer == 0 ? 0 : displacements[layer - 1]), 0)
        }
        var sum = 0.0
        var profile = jumps
        for layer in jumps.indices.reversed() {
            sum += jumps[layer]
            profile[layer] = sum
        }
        return profile
    }

    /// q = L − ⌈L/4⌉ + 1, where the last quarter of L layers begins: ζ_q is the headline figure, since the jump often sits
    /// one layer before the last.
    public static func lastQuarter(layers: Int) -> Int { layers - (layers + 3) / 4 + 1 }
}
