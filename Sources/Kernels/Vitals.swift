import CPlatform

/// What this process shows of its work to those who watch it: see `Vitals.h`. Every kernel beats when it ends, so whoever
/// computes need do nothing for it; what else takes long (files, random numbers) beats by itself.
public enum Vitals {
    /// Work was done. Any thread may say so.
    @inline(__always) public static func beat() { cplatform_vitals_beat() }

    /// The stage of the work that begins now, as a number that the watchers understand.
    public static func enter(_ stage: UInt8) { cplatform_vitals_enter(Int32(stage)) }

    /// The step that is being computed.
    public static func set(step: Int) { cplatform_vitals_set_step(Int64(step)) }

    /// While `body` runs, the main thread waits for other processes: a standstill is not its own.
    @inline(__always)
    public static func waiting<Result>(_ body: () throws -> Result) rethrows -> Result {
        cplatform_vitals_begin_waiting()
        defer { cplatform_vitals_end_waiting() }
        return try body()
    }

    /// The process runs, even if it does not get on.
    public static func pulse() { cplatform_vitals_pulse() }
}
