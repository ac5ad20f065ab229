import Kernels

extension MPICommunicator {
    public func allocateShared(floats count: Int, label: String) throws -> FloatArena {
        // The whole arena is the first rank's contribution; the owner of a shard is the first to touch it.
        let parts = try allocate(
            bytes: topology.localRank == 0 ? max(count, 1) * MemoryLayout<Float>.stride : 0, label: label,
            touch: ShardLayout(count: count, topology: topology).shard, of: 0)
        return try parts.map { try $0.arena(of: 0, floats: count) } ?? FloatArena(count: count)
    }

    public func allocatePerRank(floats count: Int, label: String) throws -> [FloatArena] {
        let parts = try allocate(
            bytes: max(count, 1) * MemoryLayout<Float>.stride, label: label, touch: 0..<count, of: topology.localRank)
        guard let parts else { return [FloatArena(count: count)] }
        return try (0..<topology.localSize).map { try parts.arena(of: $0, floats: count) }
    }

    /// A window to which this rank contributes `bytes`, backed by memory. This rank is the first to touch the floats
    /// `touched` of the part of local rank `part`. A rank that is alone on its node takes part in the agreement, but
    /// needs no window.
    private func allocate(bytes: Int, label: String, touch touched: Range<Int>, of part: Int) throws -> SharedWindow? {
        let shares = topology.localSize > 1
        try SharedWindow.freeAbandoned(node: node, caller: caller)
        try together { try store.requireRoom(shares ? bytes : 0, label: label) }
        // Memory that is promised but not there kills with SIGBUS at some later write: ask for it now.
        return try together {
            guard shares else { return nil }
            let window = try SharedWindow(node: node, bytes: bytes, caller: caller)
            let stride = MemoryLayout<Float>.stride
            try store.populate(
                try window.address(of: part) + touched.lowerBound * stride, bytes: touched.count * stride, label: label)
            return window
        }
    }
}

extension SharedWindow {
    /// The part of local rank `rank` as an arena, which keeps the window alive.
    fileprivate func arena(of rank: Int, floats count: Int) throws -> FloatArena {
        let base = try address(of: rank).bindMemory(to: Float.self, capacity: max(count, 1))
        return FloatArena(borrowing: base, count: count, owner: self)
    }
}
