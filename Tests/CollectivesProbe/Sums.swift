import Collectives
import Kernels

private let lanes = 8

private func laneGradient(_ lane: Int, step: Int, count: Int) -> [Float] {
    (0..<count).map { randomFloat(($0 * lanes + lane) * 4 + step) }
}

/// The sum over the eight lanes, written out: what every division of the lanes among ranks must give.
private func sumOverLanes<Value: FloatingPoint>(_ lane: (Int) -> Value) -> Value {
    let low = (lane(0) + lane(1)) + (lane(2) + lane(3))
    let high = (lane(4) + lane(5)) + (lane(6) + lane(7))
    return low + high
}

/// Two training steps (w −= g/4) for several lengths, both shardings and both modes, against the serial sum. Rank 0 prints
/// a line of bits for each, which must not depend on the world size.
func checkSums(_ communicator: any Communicator) throws {
    for count in [1, 10, 16_384, 16_384 * 5 + 77] {
        let steps = (0..<2).map { step in (0..<lanes).map { laneGradient($0, step: step, count: count) } }
        for sharding in Sharding.allCases {
            for mode in GradientReducer.Mode.allCases {
                try checkSums(communicator, steps, sharding: sharding, mode: mode)
            }
        }
    }
}

private func checkSums(
    _ communicator: any Communicator, _ steps: [[[Float]]], sharding: Sharding, mode: GradientReducer.Mode
) throws {
    let count = steps[0][0].count
    let name = "\(count) floats, shard \(sharding), \(mode)"
    let reducer = try GradientReducer(
        communicator: communicator, count: count, lanes: lanes, mode: mode, sharding: sharding)
    let assignment = try LaneAssignment(lanes: lanes, worldSize: communicator.worldSize)
    let exact = mode == .reproducible && assignment.isReproducible
    let weights = try communicator.allocateShared(floats: count, label: "weights").all
    var expectedWeights = [Float](repeating: 0, count: count)

    for (step, gradients) in steps.enumerated() {
        let own = assignment.lanes(of: communicator.rank)
        for (local, lane) in own.enumerated() {
            let arena = reducer.beginLane(local)
            // In the second step the nodes begin to send while the last lane is still written, from behind.
            let overlaps = step == 1 && local == own.count - 1
            if overlaps { reducer.beginReducing() }
            if reducer.accumulatesAcrossLanes, local > 0 {
                arena.copy(from: zip(arena.array, gradients[lane]).map(+))
            } else {
                for first in stride(from: count / 3 * 3, through: 0, by: -max(count / 3, 1)) {
                    let part = first..<min(count, first + max(count / 3, 1))
                    arena[part].copy(from: Array(gradients[lane][part]))
                    if overlaps { reducer.finished(from: first) }
                }
            }
            reducer.endLane(local)
        }
        let norm = try reducer.reduce()
        let expected = (0..<count).map { index in sumOverLanes { gradients[$0][index] } }
        let owned = reducer.ownedRange
        try expect(reducer.ownedGradient.count == owned.count, "\(name): owned gradient of another length")
        try compare(
            reducer.ownedGradient.array, Array(expected[owned]), exact: exact,
            "\(name): gradient from \(owned.lowerBound)")
        let expectedNorm = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        let tolerance = exact ? 1e-12 : 1e-5
        try expect(abs(norm - expectedNorm) <= tolerance * expectedNorm, "\(name): norm \(norm), not \(expectedNorm)")
        let norms = try communicator.allGather([norm]).map { $0[0].bitPattern }
        try expect(Set(norms).count == 1, "\(name): norms differ between ranks: \(norms)")

        let mine = weights[owned]
        for index in 0..<owned.count { mine[index] -= reducer.ownedGradient[index] / 4 }
        try reducer.publish(weights)
        for index in 0..<count { expectedWeights[index] -= expected[index] / 4 }
        try compare(weights.array, expectedWeights, exact: exact, "\(name): weights")
        if communicator.rank == 0, mode == .reproducible {
            print(count, sharding, step, String(norm.bitPattern, radix: 16), checksum(weights.array))
        }
        // No rank may update weights that another still compares.
        try communicator.barrier()
    }
    try checkOwners(communicator, reducer.ownedRange, count: count, sharding: sharding)
}

/// Sums that crossed nodes as bfloat16: within its rounding of the serial sum, and the same bits on every node.
func checkWire(_ communicator: any Communicator) throws {
    let count = 16_384 * 5 + 77
    let gradients = (0..<lanes).map { laneGradient($0, step: 0, count: count) }
    for sharding in Sharding.allCases {
        let reducer = try GradientReducer(
            communicator: communicator, count: count, lanes: lanes, sharding: sharding, wire: .bf16)
        let weights = try communicator.allocateShared(floats: count, label: "weights").all
        let assignment = try LaneAssignment(lanes: lanes, worldSize: communicator.worldSize)
        for (local, lane) in assignment.lanes(of: communicator.rank).enumerated() {
            reducer.beginLane(local).copy(from: gradients[lane])
            reducer.endLane(local)
        }
        let norm = try reducer.reduce()
        weights[reducer.ownedRange].copy(from: reducer.ownedGradient)
        try reducer.publish(weights)
        let found = weights.array
        for index in 0..<count {
            let exact = sumOverLanes { gradients[$0][index] }
            // Each of at most eight sums is rounded once, and the whole once more.
            let size = (0..<lanes).reduce(0) { $0 + abs(gradients[$1][index]) }
            try expect(
                abs(found[index] - exact) <= size / 128, "element \(index) is \(found[index]), not about \(exact)")
        }
        let wanted = found.reduce(0.0) { $0 + Double($1) * Double($1) }
        try expect(abs(norm - wanted) <= 1e-9 * wanted, "norm \(norm) of a gradient of norm \(wanted)")
        let sums = try communicator.allGather([Double(UInt64(checksum(found), radix: 16)! >> 12)])
        try expect(Set(sums.map { $0[0] }).count == 1, "shard \(sharding): the nodes' weights differ")
        if communicator.rank == 0 { print(sharding, checksum(found)) }
        try communicator.barrier()
    }
}

/// Owned ranges cover the arena exactly once per node (`.node`) or in the world (`.world`).
private func checkOwners(_ communicator: any Communicator, _ owned: Range<Int>, count: Int, sharding: Sharding) throws {
    let topology = communicator.topology
    let all = try communicator.allGather([Double(owned.lowerBound), Double(owned.upperBound)])
    let nodes = (0..<topology.nodeCount).map { topology.ranks(ofNode: $0) }
    let groups = sharding == .world ? [0..<topology.worldSize] : nodes
    for group in groups {
        var covered = [Int](repeating: 0, count: count)
        for rank in group { for index in Int(all[rank][0])..<Int(all[rank][1]) { covered[index] += 1 } }
        try expect(covered.allSatisfy { $0 == 1 }, "owned ranges of ranks \(group) do not cover \(count) floats once")
    }
}

private func compare(_ found: [Float], _ expected: [Float], exact: Bool, _ what: String) throws {
    for (index, (a, b)) in zip(found, expected).enumerated() {
        let same = exact ? a.bitPattern == b.bitPattern : abs(a - b) <= 1e-3
        try expect(same, "\(what): element \(index) is \(a), not \(b)")
    }
}

/// Lane sums and ordered gathers against sums written out, the same bits for any world size.
func checkScalars(_ communicator: any Communicator) throws {
    let assignment = try LaneAssignment(lanes: lanes, worldSize: communicator.worldSize)
    let scalars = LaneScalars(communicator: communicator, lanes: assignment)
    func values(_ lane: Int) -> [Double] { (0..<3).map { Double(randomFloat(lane * 3 + $0)) / 3 } }
    let v = (0..<lanes).map(values)
    let expected = (0..<3).map { element in sumOverLanes { v[$0][element] } }
    let mine = assignment.lanes(of: communicator.rank).map(values)
    func ofRank(_ rank: Int) -> [Double] { [Double(rank) / 3, Double(-rank)] }
    let (sums, ranks) = try scalars.sumOverLanes(mine, ofRank: ofRank(communicator.rank))
    try expect(sums == expected, "lane sums \(sums), not \(expected)")
    try expect(ranks == (0..<communicator.worldSize).map(ofRank), "of the ranks: \(ranks)")
    try expect(try scalars.sumOverLanes(mine) == expected, "lane sums alone")
    let none = try scalars.sumOverLanes(mine.map { _ in [] }, ofRank: ofRank(communicator.rank))
    try expect(none.sums.isEmpty && none.ranks == ranks, "of the ranks alone: \(none)")

    // Items dealt out unevenly, from the last to the first, with vectors of different lengths.
    let items = (0..<11).reversed().filter { $0 * $0 % communicator.worldSize == communicator.rank }
    let gathered = try communicator.orderedGather(
        items.map { item in (item, (0..<(item % 4)).map { Double(item * 10 + $0) }) })
    try expect(gathered.count == 11, "\(gathered.count) items of 11")
    for (item, values) in gathered.enumerated() {
        try expect(values == (0..<(item % 4)).map { Double(item * 10 + $0) }, "item \(item): \(values)")
    }
}
