import Collectives
import Dispatch
import Foundation
import Kernels
import Synchronization

/// A thread of each rank that sees to it that no job stands still for ever: it shows that its own rank runs, looks at the
/// others of the node, and the first one of a node also at those of other nodes. When a rank does not get on for the limit,
/// one rank says which, where and since when, and all are ended.
///
/// No rank need be alive for it but one: rank 0, or a whole node, may be the one that hangs.
public final class Watchdog: Sendable {
    private let communicator: any Communicator
    /// By rank.
    let hosts: [String]
    private let settings: Mutex<Settings>
    /// Wakes the thread before its time.
    private let wake = DispatchSemaphore(value: 0)
    private let hasEnded = DispatchSemaphore(value: 0)

    private struct Settings {
        var limit: Duration?
        var directory: String?
        var isEnded = false
    }

    /// Where a command has no `run.stall_timeout`.
    public static let standardLimit = Duration.seconds(600)

    /// Collective.
    /// - Parameter limit: how long a rank may stand still; nil: for ever.
    init(_ communicator: any Communicator, limit: Duration?) throws {
        self.communicator = communicator
        settings = Mutex(Settings(limit: limit))
        hosts = try communicator.gatherTexts(communicator.topology.hostName)
        Thread.detachNewThread { [self] in
            watch()
            hasEnded.signal()
        }
    }

    /// Watches with another limit from now on, and leaves word of a standstill in `directory` too: what a host that was cut
    /// off says on stderr may reach nobody.
    func watch(limit: Duration?, log directory: String) {
        settings.withLock { $0 = Settings(limit: limit, directory: directory) }
        wake.signal()
    }

    /// Returns when the thread looks at nothing any more. Ranks should have met just before, lest one that is late for the
    /// meeting be missed.
    func end() {
        settings.withLock { $0.isEnded = true }
        wake.signal()
        hasEnded.wait()
    }

    // MARK: - The thread

    private func watch() {
        let topology = communicator.topology
        let node = topology.ranks(ofNode: topology.nodeIndex)
        let all = communicator.mail == nil ? node : 0..<topology.worldSize
        var watch = Watch(ranks: all, node: node, worldSize: topology.worldSize)
        var lastLook = ContinuousClock.now
        while true {
            let (limit, isEnded) = settings.withLock { ($0.limit, $0.isEnded) }
            if isEnded { return }
            let interval = min((limit ?? .seconds(10)) / 10, .seconds(1))
            Vitals.pulse()
            let now = ContinuousClock.now
            // If this thread slept longer than it wanted, it was stopped, and the others perhaps with it.
            watch.observe(look(node), after: min(now - lastLook, interval * 2))
            lastLook = now
            if let limit, let stall = watch.stall(limit: limit, grace: interval * 2 + .milliseconds(500)) {
                end(with: stall, limit: limit)
            }
            _ = wake.wait(timeout: .now() + interval.seconds)
        }
    }

    /// What can be seen now: of this node everything, of others what they have told.
    private func look(_ node: Range<Int>) -> [Int: VitalSigns] {
        let own = communicator.board.all
        var signs = Dictionary(uniqueKeysWithValues: zip(node, own))
        guard let mail = communicator.mail else { return signs }
        // An error here is met by the main thread too, which can say more of it.
        try? mail.post(own)
        if let news = try? mail.receive() { signs.merge(news) { $1 } }
        return signs
    }

    // MARK: - The end of a job that stands still

    private func end(with stall: Stall, limit: Duration) -> Never {
        let topology = communicator.topology
        let board = communicator.board
        let node = topology.ranks(ofNode: topology.nodeIndex)
        if board.claim() {
            let states = node.compactMap { rank in
                board.state(ofProcess: rank - node.lowerBound).map { (rank, $0) }
            }
            let report = StallReport(
                stall: stall, hosts: hosts, limit: limit, isConfigured: settings.withLock(\.directory) != nil,
                states: Dictionary(uniqueKeysWithValues: states))
            tell(report.text)
        } else {
            // Who has claimed the word needs a moment, and ends this process too.
            sleep(3)
        }
        board.endNode(code: ExitStatus.internal.rawValue)
        communicator.abort(code: ExitStatus.internal.rawValue)
    }

    private func tell(_ text: String) {
        let (rank, host) = (communicator.rank, communicator.topology.hostName)
        writeToStandardError("jreg-dist: error (seen by rank \(rank) on \(host)): \(text)\n")
        guard let directory = settings.withLock(\.directory) else { return }
        // The file system may be what hangs.
        let written = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let line = "\(Date().formatted(.iso8601)) rank \(rank) on \(host): \(text)\n"
            append(line, to: directory + "/stalls.log")
            written.signal()
        }
        _ = written.wait(timeout: .now() + 1)
    }
}

/// In one piece, so that hosts which write at the same time do not overwrite one another.
private func append(_ line: String, to path: String) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { return }
    try? FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).write(contentsOf: Data(line.utf8))
}
