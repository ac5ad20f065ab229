import Kernels

/// Adds the lanes of one rank in `SummationTree` order with a binary counter: the arenas in use hold the sums that the
/// one-bits of the number of finished lanes stand for, so `k` lanes need 1 + ⌊log2 k⌋ arenas. The total ends in the first.
struct LaneStack {
    let arenas: [FloatSlice]
    let lanes: Int
    private var next = 0
    /// From here on the last lane has been added already.
    private var added: Int

    init(arenas: [FloatSlice], lanes: Int) {
        self.arenas = arenas
        self.lanes = lanes
        added = arenas[0].count
    }

    /// Where lane `lane` writes its gradient; what is there before is of no meaning.
    func begin(_ lane: Int) -> FloatSlice {
        precondition(lane == next, "lane \(lane) begins, but lane \(next) is next of \(lanes)")
        return arenas[lane.nonzeroBitCount]
    }

    /// Adds the last lane, which goes on below `first`, to the others from `first` on: there the total is then complete.
    mutating func finishLast(from first: Int) {
        precondition(next == lanes - 1, "lane \(next) of \(lanes) is not the last")
        add(first..<added, carries: next.nonzeroBitCount)
        added = first
    }

    mutating func end(_ lane: Int) {
        precondition(lane == next, "lane \(lane) ends, but lane \(next) had begun")
        if lane == lanes - 1 {
            finishLast(from: 0)
            added = arenas[0].count
        } else {
            add(0..<arenas[0].count, carries: (~lane).trailingZeroBitCount)
        }
        next = (lane + 1) % lanes
    }

    private func add(_ range: Range<Int>, carries: Int) {
        let top = next.nonzeroBitCount
        for level in stride(from: top, to: top - carries, by: -1) {
            FloatSums.add(arenas[level - 1][range], arenas[level][range], into: arenas[level - 1][range])
        }
    }

    /// Whether all lanes have been added.
    var isComplete: Bool { next == 0 }
}
