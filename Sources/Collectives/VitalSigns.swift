import CPlatform

/// What a rank showed of its work at one moment (`Kernels.Vitals`).
public struct VitalSigns: Sendable, Equatable {
    /// Grows as long as the rank gets on with its work.
    public var beats: UInt64 = 0
    /// Grows as long as its process runs.
    public var pulses: UInt64 = 0
    public var step = 0
    /// As the rank passed it to `Vitals.enter`.
    public var stage: UInt8 = 0
    /// Whether it waits for other ranks.
    public var isWaiting = false
    /// The number of its process on its host.
    public var process: Int32 = 0

    public init() {}

    init(_ reading: cplatform_vitals_reading) {
        beats = reading.beats
        pulses = reading.pulses
        step = Int(reading.step)
        stage = UInt8(truncatingIfNeeded: reading.stage)
        isWaiting = reading.is_waiting != 0
        process = reading.process
    }

    // MARK: - As a message to other nodes

    static let words = 5

    var message: [UInt64] {
        [
            beats, pulses, UInt64(bitPattern: Int64(step)), UInt64(stage) | (isWaiting ? 256 : 0),
            UInt64(UInt32(bitPattern: process)),
        ]
    }

    /// - Parameter message: `words` numbers.
    init(message: ArraySlice<UInt64>) {
        let words = Array(message)
        (beats, pulses, step) = (words[0], words[1], Int(Int64(bitPattern: words[2])))
        (stage, isWaiting) = (UInt8(truncatingIfNeeded: words[3]), words[3] & 256 != 0)
        process = Int32(bitPattern: UInt32(truncatingIfNeeded: words[4]))
    }
}
