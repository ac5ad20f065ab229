/// Some sequences of equal length, and what each position is to predict.
public struct TokenBatch: Sendable {
    public let sequences: Int
    public let length: Int
    /// [sequences · length].
    public let inputs: [Int32]
    /// [sequences · length], the token after each input.
    public let targets: [Int32]
    /// [sequences · length], the first position of its sequence that a position may attend to; nil: all before it.
    public let documentStarts: [Int32]?

    public var tokenCount: Int { inputs.count }

    /// - Parameter windows: each a run of length + 1 tokens, that predicts its tokens 1... from its tokens 0...
    /// - Parameter documentStarts: maps a window's inputs to the first visible position of each.
    public init(windows: [[Int32]], documentStarts: (([Int32]) -> [Int32])? = nil) {
        precondition(!windows.isEmpty, "a batch needs at least one window")
        sequences = windows.count
        length = windows[0].count - 1
        precondition(
            length >= 1 && windows.allSatisfy { $0.count == windows[0].count },
            "windows of one batch must have one length of at least 2 tokens")
        inputs = windows.flatMap { $0.dropLast() }
        targets = windows.flatMap { $0.dropFirst() }
        self.documentStarts = documentStarts.map { starts in windows.flatMap { starts(Array($0.dropLast())) } }
    }
}
