import Foundation

/// How often each id occurs.
struct UnigramCounts {
    private var counts: [Int]

    init(vocabularySize: Int) { counts = [Int](repeating: 0, count: vocabularySize) }

    mutating func add(_ tokens: [Int32]) {
        for token in tokens { counts[Int(token)] += 1 }
    }

    /// Nats per token of these tokens under the frequencies of others, each count of which is taken plus one so that no
    /// id is impossible. `nil` without tokens.
    func crossEntropy(under others: UnigramCounts) -> Double? {
        let total = counts.reduce(0, +)
        guard total > 0 else { return nil }
        let logTotal = log(Double(others.counts.reduce(0, +) + others.counts.count))
        let nats = zip(counts, others.counts).reduce(0.0) { sum, count in
            sum + Double(count.0) * (logTotal - log(Double(count.1 + 1)))
        }
        return nats / Double(total)
    }
}
