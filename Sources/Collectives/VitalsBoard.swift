import CMPI
import CPlatform
import Foundation
import Glibc
import Synchronization

/// The vitals of all ranks of a node, in memory that they share: a rank that is stopped can still be looked at.
public final class VitalsBoard: Sendable {
    /// Nil where a rank is alone on its node; its vitals then stay in its own memory.
    private let window: SharedWindow?
    /// Where those of local rank 0 begin, as a number because pointers are not `Sendable`; behind those of the last rank,
    /// the place of the claim.
    private let memory: UInt
    private let ranks: Int
    /// The local rank of this process.
    private let own: Int
    private let lonelyClaim = Atomic(false)

    /// For one process.
    init() {
        (window, memory, ranks, own) = (nil, 0, 1, 0)
        cplatform_vitals_move(nil)
    }

    /// Collective over the ranks of the machine; those of communicator `node` see one another.
    init(node: Int32, topology: NodeTopology, store: SharedMemoryStore, caller: MPICaller) throws {
        (ranks, own) = (topology.localSize, topology.localRank)
        let bytes = topology.localRank == 0 && ranks > 1 ? (ranks + 1) * Self.stride : 0
        try store.requireRoom(bytes, label: "the node's watchdog")
        guard ranks > 1 else {
            (window, memory) = (nil, 0)
            cplatform_vitals_move(nil)
            return
        }
        let window = try SharedWindow(node: node, bytes: bytes, caller: caller)
        let address = try window.address(of: 0)
        if topology.localRank == 0 { try store.populate(address, bytes: bytes, label: "the node's watchdog") }
        // No rank may write before the memory is there, nor be looked at before it has written.
        try caller.check(cmpi_barrier(node), "MPI_Barrier in the node")
        cplatform_vitals_move(address + topology.localRank * Self.stride)
        try caller.check(cmpi_barrier(node), "MPI_Barrier in the node")
        self.window = window
        memory = UInt(bitPattern: address)
        // One that is stopped cannot notice it, and all of a node have the same launcher.
        LauncherWatch.beforeTheEnd = { [weak self] in self?.killOthers() }
    }

    private static let stride = Int(cplatform_vitals_bytes())

    /// To be called before the window is freed.
    func close() {
        LauncherWatch.beforeTheEnd = nil
        if window != nil { cplatform_vitals_move(nil) }
    }

    public subscript(localRank: Int) -> VitalSigns { VitalSigns(reading(localRank)) }

    /// Those of all ranks, by local rank.
    public var all: [VitalSigns] { (0..<ranks).map { self[$0] } }

    /// True for the first caller on the node, and only for that one: who may speak for all.
    public func claim() -> Bool {
        guard let place = address(ranks) else { return !lonelyClaim.exchange(true, ordering: .relaxed) }
        return cplatform_vitals_claim(place) != 0
    }

    /// What the kernel says of the process of a rank, a letter as in proc(5); nil if it is gone.
    public func state(ofProcess localRank: Int) -> Character? {
        let reading = reading(localRank)
        var birth: UInt64 = 0
        var state: CChar = 0
        var parent: Int32 = 0
        guard cplatform_process_status(reading.process, &birth, &state, &parent) == 0, birth == reading.birth else {
            return nil
        }
        return Character(Unicode.Scalar(UInt8(bitPattern: state)))
    }

    /// Ends the ranks of this node, this one last, and their launcher, even if that hangs or reaches its other daemons no
    /// more: for when it was asked to end all, and may not be able to. Returns at once; it takes a few seconds.
    public func endNode(code: Int32) {
        LauncherProcess.current?.end(after: 4)
        Thread.detachNewThread { [self] in
            sleep(3)
            // A process that is stopped cannot end itself, nor notice that its launcher is gone.
            killOthers()
            _exit(code)
        }
    }

    /// SIGKILL for the processes of the other ranks of the node, stopped or not, but for one that is gone and whose number is
    /// another's now.
    func killOthers() {
        for rank in 0..<ranks where rank != own && state(ofProcess: rank) != nil {
            _ = Glibc.kill(reading(rank).process, SIGKILL)
        }
    }

    private func address(_ place: Int) -> UnsafeMutableRawPointer? {
        window == nil ? nil : UnsafeMutableRawPointer(bitPattern: memory)! + place * Self.stride
    }

    private func reading(_ localRank: Int) -> cplatform_vitals_reading {
        precondition((0..<ranks).contains(localRank), "local rank \(localRank) of \(ranks)")
        var reading = cplatform_vitals_reading()
        cplatform_vitals_read(address(localRank), &reading)
        return reading
    }
}
