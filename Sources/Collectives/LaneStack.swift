import Kernels

/// Adds the lanes of one rank in `SummationTree` order with a binary counter: the arenas in use hold the sums that the
/// one-bits of the number of finished lanes stand for, so `k` lanes need 1 + ⌊log2 k⌋ arenas. The total ends in the first.
struct LaneStack {
    let arenas: [FloatSlice]
    let lanes: Int
    private var next = 0

    init(arenas: [FloatSlice], lanes: Int) {
        self.arenas = arenas
        self.lanes = lanes
    }

    /// Where lane `lane` writes its gradient; what is there before is of no meaning.
    func begin(_ lane: Int) -> FloatSlice {
        precondition(lane == next, "lane \(lane) begins, but lane \(next) is next of \(lanes)")
        return arenas[lane.nonzeroBitCount]
    }

    mutating func end(_ lane: Int) {
        precondition(lane == next, "lane \(lane) ends, but lane \(next) had begun")
        let top = lane.nonzeroBitCount
        let carries = lane == lanes - 1 ? top : (~lane).trailingZeroBitCount
        for level in stride(from: top, to: top - carries, by: -1) {
            FloatSums.add(arenas[level - 1], arenas[level], into: arenas[level - 1])
        }
        next = (lane + 1) % lanes
    }

    /// Whether all lanes have been added.
    var isComplete: Bool { next == 0 }
}
