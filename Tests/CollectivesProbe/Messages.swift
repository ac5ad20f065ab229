import Collectives
import Foundation
import Kernels

/// One line per rank, printed by rank 0 in rank order.
func printTopology(_ communicator: any Communicator) throws {
    let topology = communicator.topology
    let all = try communicator.allGather(
        [LaunchEnvironment.current.rank, topology.nodeIndex, topology.localRank, topology.localSize].map(Double.init))
    guard communicator.rank == 0 else { return }
    for (rank, facts) in all.enumerated() {
        print("rank \(rank) launched \(Int(facts[0])) node \(Int(facts[1])) local \(Int(facts[2])) of \(Int(facts[3]))")
    }
}

func checkMessages(_ communicator: any Communicator) throws {
    let rank = communicator.rank
    let size = communicator.worldSize
    for root in 0..<size {
        let told = try communicator.broadcast(rank == root ? Array("root \(root)".utf8) : [1, 2, 3], from: root)
        try expect(String(decoding: told, as: UTF8.self) == "root \(root)", "broadcast from \(root)")
    }
    try expect(try communicator.broadcast([], from: 0) == [], "an empty broadcast")
    let gathered = try communicator.allGather((0..<rank).map { Double($0 * size + rank) })
    for other in 0..<size {
        try expect(gathered[other] == (0..<other).map { Double($0 * size + other) }, "gathered from rank \(other)")
    }
    try expect(try communicator.allReduceMax(-rank) == 0, "the maximum of 0, -1, …")
    try expect(try communicator.allReduceMax(rank == size / 2 ? 1 << 40 : 0) == 1 << 40, "a maximum above 32 bits")

    // More than one piece of a message, which is 64 MB, and no multiple of it.
    let long = (64 << 20) + 5
    let sent = rank == 0 ? (0..<long).map { UInt8(truncatingIfNeeded: $0 / 7) } : []
    let received = try communicator.broadcast(sent, from: 0)
    try expect(
        received.count == long && received.indices.allSatisfy { received[$0] == UInt8(truncatingIfNeeded: $0 / 7) },
        "a broadcast of several pieces")
    let many = FloatArena(count: (16 << 20) + 3)
    for index in 0..<many.count { many.all[index] = Float(index % 1000 + rank) }
    if size > 1 {
        let copy = FloatArena(count: many.count)
        let values = rank == 0 ? many.all : copy.all
        try communicator.transfer(values, from: 0, to: size - 1)
        if rank == size - 1 {
            try expect((0..<copy.count).allSatisfy { copy.all[$0] == Float($0 % 1000) }, "a transfer of several pieces")
        }
    }
    try communicator.allReduceSum(many.all)
    let ranks = Float(size * (size - 1) / 2)
    try expect(
        (0..<many.count).allSatisfy { many.all[$0] == Float($0 % 1000 * size) + ranks }, "a sum of several pieces")

    // A failure of one rank reaches all, by the number of the lowest.
    do {
        try communicator.together { if rank >= size / 2 { throw ProbeFailure("rank \(rank) stumbled") } }
        throw ProbeFailure("nobody was told of a failure")
    } catch let error as CollectiveError {
        try expect(
            error == .onAnotherRank(rank: size / 2, message: "rank \(size / 2) stumbled"), "told of \(error)")
        try expect(rank < size / 2, "a failing rank was told of another's failure")
    } catch let error as ProbeFailure {
        try expect(error.description == "rank \(rank) stumbled", "\(error)")
    }
}

/// Rank 0 is late at a barrier; the others must sleep meanwhile. (The first of each other node may poll: MPI waits so.)
func checkWaiting(_ communicator: any Communicator) throws {
    try communicator.barrier()
    let before = clock()
    if communicator.rank == 0 { usleep(1_000_000) }
    try communicator.barrier()
    let busy = Double(clock() - before) / Double(CLOCKS_PER_SEC)
    let polls = communicator.topology.nodeCount > 1 && communicator.topology.localRank == 0
    try expect(polls || busy < 0.2, "a wait of 1 s took \(busy) s of a core")
    // And many barriers in a row, whatever the number of cores.
    let begin = Date()
    for _ in 0..<2000 { communicator.nodeBarrier() }
    let seconds = -begin.timeIntervalSinceNow
    if communicator.rank == 0 { print("node barrier: \((seconds / 2000 * 1e6).rounded()) µs") }
}

/// One rank fails while the others wait for it.
func failOnOneRank(_ communicator: any Communicator) throws {
    if communicator.rank == communicator.worldSize - 1 { throw ProbeFailure("the disk is on fire") }
    try communicator.barrier()
}
