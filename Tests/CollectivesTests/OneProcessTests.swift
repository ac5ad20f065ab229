import Collectives
import Kernels
import Testing

/// The same objects in one process, with no MPI.
@Suite struct OneProcessTests {
    private let communicator = LocalCommunicator()

    @Test(arguments: [1, 2, 4, 8, 16])
    func lanesAreAddedInTheOrderOfTheTree(_ lanes: Int) throws {
        let count = 1037
        // Values whose sum depends on the order in nearly every element.
        let gradients = (0..<lanes).map { lane in
            (0..<count).map { index -> Float in
                let value = Float((index * 7919 + lane * 104_729) % 1_000_003)
                return index % 2 == 0 ? value : value / 1000
            }
        }
        let reducer = try GradientReducer(communicator: communicator, count: count, lanes: lanes)
        #expect(reducer.ownedRange == 0..<count)
        for _ in 0..<2 {
            for lane in 0..<lanes {
                reducer.beginLane(lane).copy(from: gradients[lane])
                reducer.endLane(lane)
            }
            let norm = try reducer.reduce()
            let expected = (0..<count).map { index in
                SummationTree.sum(0..<lanes, leaf: { gradients[$0][index] }, add: +)
            }
            #expect(reducer.ownedGradient.array == expected)
            let squares = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
            #expect(abs(norm - squares) <= 1e-12 * squares)
            try reducer.publish(FloatArena(count: count).all)
        }
    }

    @Test func anInfiniteGradientShowsInTheNorm() throws {
        let reducer = try GradientReducer(communicator: communicator, count: 50_000, lanes: 1)
        for bad in [Float.infinity, .nan] {
            let gradient = reducer.beginLane(0)
            gradient.fill(1)
            gradient[40_001] = bad
            reducer.endLane(0)
            #expect(!(try reducer.reduce()).isFinite)
        }
    }

    @Test func moreLanesInTheFastModeUseOneArena() throws {
        let reducer = try GradientReducer(communicator: communicator, count: 3, lanes: 4, mode: .fast)
        #expect(reducer.accumulatesAcrossLanes)
        reducer.beginLane(0).fill(1)
        reducer.endLane(0)
        #expect(reducer.beginLane(1).array == [1, 1, 1])
    }

    @Test(arguments: Sharding.allCases)
    func momentsGoOutAndBack(_ sharding: Sharding) throws {
        let count = (4 << 20) + 3
        let arena = try ShardedArena(communicator: communicator, count: count, sharding: sharding, label: "moments")
        var next = 0
        try arena.scatter { chunk in
            for index in 0..<chunk.count { chunk[index] = Float(next + index) }
            next += chunk.count
        }
        #expect(next == count)
        #expect(arena.owned[count - 1] == Float(count - 1))
        var lengths: [Int] = []
        try arena.gather { lengths.append($0.count) }
        #expect(lengths == [4 << 20, 3])
    }

    @Test func memoryOfThisProcess() throws {
        let before = try MemoryAccount.ofThisProcess()
        let arena = FloatArena(count: 64 << 20)
        arena.all.fill(1)
        let after = try MemoryAccount.ofThisNode(communicator)
        #expect(arena.all[0] == 1)
        #expect(after.proportional - before.proportional > 200 << 20)
        #expect(after.resident >= after.proportional)
    }

    @Test func memoryAccountOfTheKernel() throws {
        let text = "55d0-7ffd ---p 00000000 00:00 0  [rollup]\nRss:  1000 kB\nPss:   300 kB\nPss_Anon:   5 kB\n"
        #expect(try MemoryAccount(smapsRollup: text) == MemoryAccount(resident: 1_024_000, proportional: 307_200))
        for damaged in ["", "Rss: 1000 kB\n", "Rss: 1000 kB\nPss: many kB\n", "Rss: 1000 kB\nPss: 300 MB\n"] {
            #expect(throws: CollectiveError.self) { try MemoryAccount(smapsRollup: damaged) }
        }
    }
}
