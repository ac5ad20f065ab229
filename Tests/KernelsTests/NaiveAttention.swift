import Foundation

/// Causal attention as it is defined, one score at a time in Double.
struct NaiveAttention {
    let sequences: Int
    let length: Int
    let heads: Int
    let kvHeads: Int
    let headDim: Int
    /// [sequences · length], the first position that a row sees; nil: 0.
    var documentStarts: [Int32]?

    var fusedWidth: Int { (heads + 2 * kvHeads) * headDim }
    var outputWidth: Int { heads * headDim }
    var rows: Int { sequences * length }

    /// - Parameter fused: [rows, fusedWidth], queries, keys and values side by side.
    /// - Returns: outputs [rows, outputWidth] and logSumExp [sequences · heads, length].
    func forward(_ fused: [Double]) -> (output: [Double], logSumExp: [Double]) {
        var output = [Double](repeating: 0, count: rows * outputWidth)
        var logSumExp = [Double](repeating: 0, count: rows * heads)
        forEachRow { place in
            let (probabilities, sum) = probabilities(fused, place)
            logSumExp[(place.sequence * heads + place.head) * length + place.position] = sum
            for (key, probability) in zip(place.keys, probabilities) {
                for j in 0..<headDim {
                    output[place.output + j] += probability * fused[valueOffset(key, place) + j]
                }
            }
        }
        return (output, logSumExp)
    }

    /// dFused from dOutput.
    func backward(_ fused: [Double], _ dOutput: [Double]) -> [Double] {
        var dFused = [Double](repeating: 0, count: fused.count)
        forEachRow { place in
            let (probabilities, _) = probabilities(fused, place)
            let dProbabilities = place.keys.map { key in
                (0..<headDim).reduce(0) { $0 + dOutput[place.output + $1] * fused[valueOffset(key, place) + $1] }
            }
            let mean = dotProduct(probabilities, dProbabilities)
            for (index, key) in place.keys.enumerated() {
                let dScore = probabilities[index] * (dProbabilities[index] - mean) / Double(headDim).squareRoot()
                for j in 0..<headDim {
                    dFused[place.query + j] += dScore * fused[keyOffset(key, place) + j]
                    dFused[keyOffset(key, place) + j] += dScore * fused[place.query + j]
                    dFused[valueOffset(key, place) + j] += probabilities[index] * dOutput[place.output + j]
                }
            }
        }
        return dFused
    }

    /// One query of one head.
    private struct Place {
        let sequence: Int
        let head: Int
        let position: Int
        /// Where its query and its output begin.
        let query: Int
        let output: Int
        /// The positions that it sees.
        let keys: ClosedRange<Int>
    }

    private func forEachRow(_ body: (Place) -> Void) {
        for sequence in 0..<sequences {
            for head in 0..<heads {
                for position in 0..<length {
                    let row = sequence * length + position
                    let first = documentStarts.map { Int($0[row]) } ?? 0
                    body(
                        Place(
                            sequence: sequence, head: head, position: position,
                            query: row * fusedWidth + head * headDim, output: row * outputWidth + head * headDim,
                            keys: first...position))
                }
            }
        }
    }

    private func keyOffset(_ key: Int, _ place: Place) -> Int {
        let kvHead = place.head / (heads / kvHeads)
        return (place.sequence * length + key) * fusedWidth + (heads + kvHead) * headDim
    }

    private func valueOffset(_ key: Int, _ place: Place) -> Int { keyOffset(key, place) + kvHeads * headDim }

    private func probabilities(_ fused: [Double], _ place: Place) -> (values: [Double], logSumExp: Double) {
        let scores = place.keys.map { key in
            (0..<headDim).reduce(0) { $0 + fused[place.query + $1] * fused[keyOffset(key, place) + $1] }
                / Double(headDim).squareRoot()
        }
        let top = scores.max()!
        let logSumExp = top + log(scores.reduce(0) { $0 + exp($1 - top) })
        return (scores.map { exp($0 - logSumExp) }, logSumExp)
    }
}
