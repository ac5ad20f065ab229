/// What the steps so far decide of those to come, apart from weights and moments: part of a checkpoint, so that a resumed
/// run skips the same steps.
public struct StepHistory: Codable, Sendable, Equatable {
    /// Steps whose update was left out.
    public var skipped = 0
    /// Of these, those that came one directly after another up to now.
    public var skippedInRow = 0
    /// The finite losses of the last steps, oldest first, as far back as the guard against spikes looks.
    public var losses: [Double] = []

    /// Of a run whose every update was made.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case skipped
        case skippedInRow = "skipped_in_row"
        case losses
    }

    /// Whether a run can have come to it in `steps` steps.
    func isPossible(after steps: Int) -> Bool {
        (0...steps).contains(skipped) && (0...skipped).contains(skippedInRow) && losses.count <= steps
            && losses.allSatisfy(\.isFinite)
    }
}
