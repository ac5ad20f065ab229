/// Which lanes of the global batch each rank works on. Shape: `lanes` lanes over `worldSize` ranks, contiguous blocks.
///
/// A lane is the unit of reproducible arithmetic: its microbatches are accumulated in order by one rank, and lanes are
/// summed in `SummationTree` order.
public struct LaneAssignment: Sendable, Equatable {
    public let lanes: Int
    public let worldSize: Int

    /// - Throws: `CollectiveError` if `lanes` is not a power of two or there are more ranks than lanes.
    public init(lanes: Int, worldSize: Int) throws {
        guard lanes.isPowerOfTwo else { throw CollectiveError.lanesNotAPowerOfTwo(lanes) }
        guard worldSize <= lanes else { throw CollectiveError.tooManyRanks(worldSize: worldSize, lanes: lanes) }
        self.lanes = lanes
        self.worldSize = worldSize
    }

    /// The lanes of `rank`; never empty.
    public func lanes(of rank: Int) -> Range<Int> {
        (rank * lanes / worldSize)..<((rank + 1) * lanes / worldSize)
    }

    /// Whether every rank's lanes are one subtree, so that results have the same bits as with one rank. Otherwise they
    /// are deterministic, and equal to those up to rounding.
    public var isReproducible: Bool { worldSize.isPowerOfTwo }

    /// Gradient arenas that `rank` needs to add its lanes: 1 + ⌊log2(lanes it holds)⌋.
    public func arenas(of rank: Int) -> Int {
        Int.bitWidth - lanes(of: rank).count.leadingZeroBitCount
    }
}
