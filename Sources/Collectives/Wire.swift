import Kernels

/// How gradients travel between nodes.
public enum WireFormat: String, Sendable, CaseIterable {
    case fp32
    /// Half the bytes. What arrives is added in fp32, in the same order; but each number was rounded to 8 bits before, so
    /// the sums depend on how ranks are spread over nodes.
    case bf16
}

/// Exchanges pieces of gradients with the peers of a shard in a wire format.
final class Wire {
    let format: WireFormat
    private let peers: ShardPeers
    /// A float has the room of two numbers on the wire.
    private let outbox: FloatSlice
    private let inbox: FloatSlice
    /// Floats that are encoded at a time.
    private let capacity: Int

    init(_ format: WireFormat, peers: ShardPeers, capacity: Int) {
        self.format = format
        self.peers = peers
        self.capacity = capacity
        let count = format == .bf16 ? (capacity + 1) / 2 : 0
        (outbox, inbox) = (FloatArena(count: count).all, FloatArena(count: count).all)
    }

    /// As `ShardPeers.exchange`.
    func exchange(_ outgoing: FloatSlice?, to: Int, _ incoming: FloatSlice?, from: Int) throws {
        if format == .fp32 { return try peers.exchange(outgoing, to: to, incoming, from: from) }
        let (sending, receiving) = (outgoing?.count ?? 0, incoming?.count ?? 0)
        for start in stride(from: 0, to: max(sending, receiving), by: capacity) {
            let out = min(start, sending)..<min(start + capacity, sending)
            let arriving = min(start, receiving)..<min(start + capacity, receiving)
            if let outgoing { encode(outgoing[out]) }
            try peers.exchange(halves(outbox, out.count), to: to, halves(inbox, arriving.count), from: from)
            if let incoming { decode(into: incoming[arriving]) }
        }
    }

    /// Every node sends its piece of `values` to all others. Those who keep a piece must have rounded it, lest the nodes
    /// differ.
    func gatherPieces(_ pieces: [Range<Int>], of values: FloatSlice) throws {
        try peers.forEachStep { to, from in
            try exchange(values[pieces[peers.index]], to: to, values[pieces[from]], from: from)
        }
    }

    /// `values` as the peers will get them.
    func round(_ values: FloatSlice) {
        if format == .bf16 { BFloat16.round(values.pointer, count: values.count) }
    }

    /// Nothing is sent or awaited where there is nothing.
    private func halves(_ box: FloatSlice, _ count: Int) -> FloatSlice? {
        count == 0 ? nil : box[0..<((count + 1) / 2)]
    }

    private func encode(_ values: FloatSlice) {
        outbox.pointer.withMemoryRebound(to: UInt16.self, capacity: values.count) {
            BFloat16.encode(values.pointer, count: values.count, into: $0)
        }
    }

    private func decode(into values: FloatSlice) {
        inbox.pointer.withMemoryRebound(to: UInt16.self, capacity: values.count) {
            BFloat16.decode($0, count: values.count, into: values.pointer)
        }
    }
}
