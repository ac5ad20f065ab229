import CPlatform
import Foundation

/// Whether this rank wants the run to end after the step at hand: because of a signal, or because the time that is left is
/// just enough for another step and a checkpoint.
///
/// A signal may reach one rank alone or each in another step, and clocks differ; so the ranks tell one another with the sums
/// of the step, and all end after the same one.
final class StopRequest {
    private let deadlines: [(reason: StopReason, end: ContinuousClock.Instant)]
    private let margin: Duration?
    /// For what the clock cannot know, such as a disk that is slower this time.
    private let reserve: Duration
    private var lastLook: ContinuousClock.Instant?
    /// Between two looks: a step, with the evaluation or the copy for a checkpoint that came behind it.
    private var longestRound = Duration.zero

    /// - Parameters:
    ///   - started: when the run began, from where `run.time_limit` counts.
    ///   - looksAtTheClock: whether it is this rank that knows how long a checkpoint takes.
    ///   - environment: that of the process, where Slurm may tell when the job ends.
    init(
        _ run: RunConfig.RunSection, started: ContinuousClock.Instant, looksAtTheClock: Bool,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        var deadlines: [(reason: StopReason, end: ContinuousClock.Instant)] = []
        if let limit = run.timeLimit { deadlines.append((.timeLimit, started + limit)) }
        if let end = environment["SLURM_JOB_END_TIME"].flatMap(Double.init) {
            deadlines.append((.endOfJob, .now + .seconds(end - Date().timeIntervalSince1970)))
        }
        self.deadlines = looksAtTheClock ? deadlines.sorted { $0.end < $1.end } : []
        margin = run.timeMargin
        reserve = deadlines.map { min(.seconds(5), ($0.end - started) / 100) }.min() ?? .zero
    }

    /// From now on the signals that ask for a stop are noted and end nothing, but for a second SIGINT.
    static func watchSignals() { cplatform_watch_stop_signals() }

    /// To be called once in every step.
    /// - Parameter saving: the seconds that a checkpoint is going to take.
    func reason(saving: Double, now: ContinuousClock.Instant = .now) -> StopReason? {
        if let lastLook { longestRound = max(longestRound, now - lastLook) }
        lastLook = now
        if let reason = StopReason(signal: cplatform_stop_signal()) { return reason }
        guard let next = deadlines.first else { return nil }
        let needed = margin ?? longestRound * 1.5 + .seconds(saving * 1.5) + reserve
        return now + needed >= next.end ? next.reason : nil
    }
}
