import Collectives
import Testing

/// How work is divided: the tree of sums, lanes over ranks, blocks over owners.
@Suite struct DivisionTests {
    private func shape(_ range: Range<Int>) -> String {
        SummationTree.sum(range, leaf: { "\($0)" }, add: { "(\($0)+\($1))" })
    }

    @Test func shapeOfTheTree() {
        #expect(shape(0..<8) == "(((0+1)+(2+3))+((4+5)+(6+7)))")
        #expect(shape(0..<5) == "(((0+1)+(2+3))+4)")
        #expect(shape(0..<7) == "(((0+1)+(2+3))+((4+5)+6))")
        #expect(shape(3..<4) == "3")
    }

    @Test func subtreesMakeUpEveryPart() {
        for size in 1...17 {
            for low in 0..<size {
                for high in (low + 1)...size {
                    let trees = SummationTree.subtrees(within: low..<high, of: 0..<size)
                    #expect(trees.flatMap(Array.init) == Array(low..<high))
                    // Each is written, brackets and all, in the whole.
                    for tree in trees { #expect(shape(0..<size).contains(shape(tree))) }
                    // And no two neighbours could have been one.
                    for (left, right) in zip(trees, trees.dropFirst()) {
                        #expect(!shape(0..<size).contains("(\(shape(left))+\(shape(right)))"))
                    }
                }
            }
        }
        #expect(SummationTree.subtrees(within: 3..<8, of: 0..<8) == [3..<4, 4..<8])
    }

    @Test func everyLaneHasOneRank() throws {
        for lanes in [1, 2, 8, 64] {
            for worldSize in 1...lanes {
                let assignment = try LaneAssignment(lanes: lanes, worldSize: worldSize)
                let all = (0..<worldSize).map { assignment.lanes(of: $0) }
                #expect(all.flatMap(Array.init) == Array(0..<lanes))
                #expect(all.allSatisfy { !$0.isEmpty })
                #expect(assignment.isReproducible == [1, 2, 4, 8, 16, 32, 64].contains(worldSize))
            }
        }
        let assignment = try LaneAssignment(lanes: 8, worldSize: 3)
        #expect((0..<3).map { assignment.lanes(of: $0) } == [0..<2, 2..<5, 5..<8])
        #expect((0..<3).map { assignment.arenas(of: $0) } == [2, 2, 2])
        #expect(try LaneAssignment(lanes: 8, worldSize: 1).arenas(of: 0) == 4)
        #expect(try LaneAssignment(lanes: 8, worldSize: 8).arenas(of: 7) == 1)
    }

    @Test func lanesThatDoNotFit() {
        let error = #expect(throws: CollectiveError.self) { try LaneAssignment(lanes: 8, worldSize: 12) }
        #expect("\(error!)".contains("12 ranks") && "\(error!)".contains("8 lanes") && "\(error!)".contains("to 16"))
        for lanes in [-8, 0, 6] {
            #expect(throws: CollectiveError.lanesNotAPowerOfTwo(lanes)) {
                try LaneAssignment(lanes: lanes, worldSize: 1)
            }
        }
        #expect("\(CollectiveError.lanesNotAPowerOfTwo(6))".contains("such as 8"))
    }

    @Test func everyFloatHasOneOwner() {
        for ranksPerNode in [[1], [3], [1, 1], [3, 1], [2, 5, 3], [8, 8]] {
            for count in [0, 1, 16_384, 16_385, 16_384 * 21 + 5] {
                let layouts = (0..<ranksPerNode.reduce(0, +)).map {
                    ShardLayout(
                        count: count,
                        topology: NodeTopology(rank: $0, ranksPerNode: ranksPerNode, hostName: "h", ranksOnHost: 1))
                }
                let pieces = layouts.map { $0.owned(.world) }.filter { !$0.isEmpty }
                    .sorted { $0.lowerBound < $1.lowerBound }
                #expect(pieces.reduce(0) { $0 == $1.lowerBound ? $1.upperBound : -1 } == count)
                for node in ranksPerNode.indices {
                    let shards = layouts.filter { $0.topology.nodeIndex == node }.map { $0.owned(.node) }
                        .filter { !$0.isEmpty }
                    #expect(shards.reduce(0) { $0 == $1.lowerBound ? $1.upperBound : -1 } == count)
                }
                // Only the end may cut a block.
                for piece in pieces { #expect(piece.lowerBound % ShardLayout.blockSize == 0) }
            }
        }
    }
}
