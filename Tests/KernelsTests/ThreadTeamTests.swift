import Kernels
import Synchronization
import Testing

@Suite struct ThreadTeamTests {
    static let counts = [0, 1, 2, 3, 15, 16, 17, 63, 64, 65, 1000, 4097]

    @Test(arguments: counts, [1, 2, 3, 8]) func everyTaskRunsOnceOnItsMember(count: Int, size: Int) {
        let calls = Mutex([[Int]](repeating: [], count: count))
        ThreadTeam(size: size).forEachTask(count) { task, member in calls.withLock { $0[task].append(member) } }
        let found = calls.withLock { $0 }
        #expect(found == (0..<count).map { [$0 % size] })
    }

    @Test func tasksOfOneMemberNeverOverlap() {
        let busy = Mutex([Bool](repeating: false, count: 3))
        let clashes = Mutex(0)
        ThreadTeam(size: 3).forEachTask(300) { _, member in
            let wasBusy = busy.withLock { flags in
                defer { flags[member] = true }
                return flags[member]
            }
            if wasBusy { clashes.withLock { $0 += 1 } }
            busy.withLock { $0[member] = false }
        }
        #expect(clashes.withLock { $0 } == 0)
    }

    @Test(arguments: counts, [1, 2, 3, 8]) func rangesCoverEveryIndexOnce(count: Int, size: Int) {
        for (unit, minimum) in [(1, 1), (16, 1), (16, 64), (7, 0), (1, 5000)] {
            let pieces = Mutex([Range<Int>]())
            ThreadTeam(size: size).forEachRange(of: count, unit: unit, minimum: minimum) { range in
                pieces.withLock { $0.append(range) }
            }
            let found = pieces.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
            let context: Comment = "unit \(unit), minimum \(minimum): \(found)"
            #expect(found.flatMap { Array($0) } == Array(0..<count), context)
            #expect(found.allSatisfy { !$0.isEmpty && $0.lowerBound % unit == 0 }, context)
            #expect(found.count <= max(1, min(size, count / max(1, minimum))), context)
        }
    }

    @Test func aTeamOfNobodyIsRefused() async {
        await #expect(processExitsWith: .failure) { _ = ThreadTeam(size: 0) }
    }
}
