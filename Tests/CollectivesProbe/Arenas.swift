import Collectives
import Kernels

/// Sharded arenas: gather and scatter, their errors, and copies across nodes.
func checkArenas(_ communicator: any Communicator) throws {
    // The last is several chunks of `gather` long.
    for count in [1, 10, 16_384 * 5 + 77, (4 << 20) + 16_384 * 3 + 5] {
        for sharding in Sharding.allCases {
            let arena = try ShardedArena(communicator: communicator, count: count, sharding: sharding, label: "moments")
            try expect(arena.owned.array.allSatisfy { $0 == 0 }, "a new arena is not zero")
            let first = arena.ownedRange.lowerBound
            for index in 0..<arena.owned.count { arena.owned[index] = Float(first + index) }
            var next = 0
            try arena.gather { chunk in
                try expect(communicator.rank == 0, "shown to rank \(communicator.rank)")
                for index in 0..<chunk.count {
                    try expect(chunk[index] == Float(next + index), "element \(next + index)")
                }
                next += chunk.count
            }
            try expect(next == (communicator.rank == 0 ? count : 0), "\(next) of \(count) floats were shown")

            next = 0
            try arena.scatter { chunk in
                for index in 0..<chunk.count { chunk[index] = Float(next + index) / 2 }
                next += chunk.count
            }
            for index in 0..<arena.owned.count {
                try expect(arena.owned[index] == Float(first + index) / 2, "element \(first + index) after scatter")
            }
            try checkErrors(arena, communicator)
        }
    }
    try checkBroadcastAcrossNodes(communicator)
}

/// An error of rank 0 in the middle reaches every rank, and the arena works afterwards.
private func checkErrors(_ arena: ShardedArena, _ communicator: any Communicator) throws {
    for collect in [arena.gather, arena.scatter] {
        do {
            try collect { _ in throw ProbeFailure("disk full") }
            throw ProbeFailure("nobody was told of the full disk")
        } catch let error as CollectiveError {
            try expect(communicator.rank > 0 && "\(error)" == "rank 0 failed: disk full", "\(error)")
        } catch let error as ProbeFailure {
            try expect(communicator.rank == 0 && error.description == "disk full", "\(error)")
        }
    }
    try arena.gather { _ in }
}

private func checkBroadcastAcrossNodes(_ communicator: any Communicator) throws {
    let count = 16_384 * 3 + 11
    let shared = try communicator.allocateShared(floats: count, label: "weights").all
    if communicator.topology.localRank == 0 {
        for index in 0..<count { shared[index] = Float(index * (communicator.topology.nodeIndex + 1)) }
    }
    try communicator.broadcastAcrossNodes(shared)
    for index in 0..<count { try expect(shared[index] == Float(index), "element \(index) after the broadcast") }
}

/// What windows are like: zero, aligned, seen by the node's ranks alone, and freed when all have let go.
func checkWindows(_ communicator: any Communicator) throws {
    let topology = communicator.topology
    for round in 0..<600 {
        let arenas = try communicator.allocatePerRank(floats: 1001, label: "round \(round)")
        if round > 0 { continue }
        try expect(arenas.count == topology.localSize, "\(arenas.count) arenas for \(topology.localSize) ranks")
        for arena in arenas {
            try expect(arena.all.array.allSatisfy { $0 == 0 }, "a new window is not zero")
            let address = arena.all.withUnsafeMutableBytes { UInt(bitPattern: $0.baseAddress) }
            try expect(address % 4096 == 0, "a window begins in the middle of a page")
        }
        // No rank may write before all have looked, nor read before all have written.
        try communicator.barrier()
        arenas[topology.localRank].all.fill(Float(communicator.rank))
        try communicator.barrier()
        let first = topology.ranks(ofNode: topology.nodeIndex).lowerBound
        for (index, arena) in arenas.enumerated() {
            try expect(arena.all.array.allSatisfy { $0 == Float(first + index) }, "the arena of local rank \(index)")
        }
        try communicator.barrier()
    }
}

/// The kernel's account: a shared arena counts once per node.
func checkMemory(_ communicator: any Communicator) throws {
    let megabytes = 64
    let before = try MemoryAccount.ofThisNode(communicator)
    let shared = try communicator.allocateShared(floats: megabytes << 18, label: "weights").all
    // All write the same. Each rank is charged for a page when it first touches it.
    shared.fill(1)
    try communicator.barrier()
    let after = try MemoryAccount.ofThisNode(communicator)
    let grown = Double(after.proportional - before.proportional) / Double(megabytes << 20)
    try expect(grown > 0.9 && grown < 1.1, "a shared arena grew the node's memory \(grown) times its size")
    if communicator.topology.localSize > 1 {
        let resident = Double(after.resident - before.resident) / Double(megabytes << 20)
        try expect(resident > 1.8, "the ranks see \(resident) times the arena: it is not mapped by all")
    }
}

func allocate(megabytes: Int, _ communicator: any Communicator) throws {
    let shared = try communicator.allocateShared(floats: megabytes << 18, label: "the parameters")
    shared.all[communicator.topology.localRank] = 1
    try communicator.barrier()
    if communicator.rank == 0 { print("allocated") }
}
