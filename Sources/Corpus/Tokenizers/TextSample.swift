/// Passages of up to 4 KiB picked evenly from a text of any length, together within a budget.
///
/// Which ones depends on their number alone: passage n stays while the hash of n is below a threshold, and the threshold
/// is halved whenever the budget is exceeded. So a stream is sampled in one pass, the same way every time.
struct TextSample {
    private static let cut = TextCut(minimum: 2 << 10, maximum: 4 << 10)

    private let budget: Int
    private var kept: [(hash: UInt64, passage: String)] = []
    private var keptBytes = 0
    private var seen: UInt64 = 0
    private var threshold = UInt64.max

    /// - Parameter budget: bytes of UTF-8.
    init(budget: Int) { self.budget = max(budget, Self.cut.maximum) }

    var passages: [String] { kept.map(\.passage) }

    mutating func add(_ text: String) {
        for passage in Self.cut.pieces(of: text) {
            seen += 1
            let hash = mixed(seen &* goldenGamma)
            guard hash <= threshold else { continue }
            kept.append((hash, passage))
            keptBytes += passage.utf8.count
            while keptBytes > budget {
                threshold /= 2
                kept.removeAll { $0.hash > threshold }
                keptBytes = kept.reduce(0) { $0 + $1.passage.utf8.count }
            }
        }
    }
}
