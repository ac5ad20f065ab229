import Glibc

/// What the time of a step goes into. `jreg` is the profile of jumps together with the regularizer and its gradient.
public enum Activity: Int, CaseIterable, Sendable {
    case gemm, attention, crossEntropy, norms, elementwise, jreg, reduce, update, wait

    public var name: String {
        switch self {
        case .gemm: "gemm"
        case .attention: "attention"
        case .crossEntropy: "cross_entropy"
        case .norms: "norms"
        case .elementwise: "elementwise"
        case .jreg: "jreg"
        case .reduce: "reduce"
        case .update: "update"
        case .wait: "wait"
        }
    }
}

/// Where the time of one rank goes: every kernel notes when it began and ended. Two readings of the clock are 50 ns, and the
/// shortest kernel of a step takes a thousand times as long.
///
/// Of nested kernels only the outermost counts: the product within the cross-entropy is cross-entropy. Used by the rank's
/// main thread alone.
public final class Timeline: @unchecked Sendable {
    /// A stretch of time, in seconds since the last `start`.
    public struct Event: Sendable, Equatable {
        public let activity: Activity
        public let begin: Double
        public let end: Double

        public init(activity: Activity, begin: Double, end: Double) {
            (self.activity, self.begin, self.end) = (activity, begin, end)
        }
    }

    private var totals = [Double](repeating: 0, count: Activity.allCases.count)
    private var depth = 0
    private var began = 0.0
    private var origin = 0.0
    private var isRecording = false
    /// What happened since `start(recording: true)`.
    public private(set) var events: [Event] = []

    public init() {}

    /// Forgets what was, and begins anew.
    /// - Parameter recording: whether to keep every event, not just the totals.
    public func start(recording: Bool = false) {
        totals = totals.map { _ in 0 }
        events = []
        isRecording = recording
        origin = monotonicSeconds()
    }

    /// Seconds since `start`, by activity.
    public subscript(activity: Activity) -> Double { totals[activity.rawValue] }

    public func measure<Result>(_ activity: Activity, _ body: () throws -> Result) rethrows -> Result {
        begin()
        defer { end(activity) }
        return try body()
    }

    /// To be followed by `end`, as in `team.timeline.begin(); defer { team.timeline.end(.norms) }`.
    func begin() {
        depth += 1
        if depth == 1 { began = monotonicSeconds() }
    }

    func end(_ activity: Activity) {
        Vitals.beat()
        depth -= 1
        guard depth == 0 else { return }
        let now = monotonicSeconds()
        totals[activity.rawValue] += now - began
        if isRecording { events.append(Event(activity: activity, begin: began - origin, end: now - origin)) }
    }
}

/// The seconds of a clock that is never set.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
