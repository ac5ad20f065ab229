import Glibc
import Objectives

/// What an evaluation found, as means over the predicted tokens of its sequences.
public struct EvaluationResult: Codable, Sendable, Equatable {
    public let sequences: Int
    public let tokens: Int
    /// Cross-entropy, nats per token.
    public let loss: Double
    public let perplexity: Double
    /// Bits per byte of text; nil when the data does not say how many bytes its tokens stand for.
    public let bitsPerByte: Double?
    /// Ψ_1...Ψ_L of the residual stream.
    public let displacement: [Double]
    /// ζ_1...ζ_L.
    public let jumpRate: [Double]
    /// ζ of the last quarter of the layers, the headline figure.
    public let jumpRateLastQuarter: Double
    /// Ψ_L when the last state is taken after the final norm, as `output_hidden_states` of transformers returns it.
    public let displacementAfterFinalNorm: Double
    /// Nats per token when h_1...h_L are each read out through the final norm and the head; the last equals the loss of
    /// the same sequences. Empty when no sequence was read out.
    public let readoutLoss: [Double]
    public let readoutSequences: Int

    /// ζ_1...ζ_L with the last state taken after the final norm.
    public var jumpRateAfterFinalNorm: [Double] {
        JumpRate.profile(displacement.dropLast() + [displacementAfterFinalNorm])
    }

    enum CodingKeys: String, CodingKey {
        case sequences, tokens, loss, perplexity, displacement
        case bitsPerByte = "bits_per_byte"
        case jumpRate = "jump_rate"
        case jumpRateLastQuarter = "jump_rate_last_quarter"
        case displacementAfterFinalNorm = "displacement_after_final_norm"
        case readoutLoss = "readout_loss"
        case readoutSequences = "readout_sequences"
    }

    init(_ sums: EvaluationSums, sequences: Int, readoutSequences: Int, bytesPerToken: Double?) {
        self.sequences = sequences
        self.readoutSequences = readoutSequences
        tokens = Int(sums.loss.tokens)
        let means = LossMeans(sums.loss, lambda: 0, zLoss: 0)
        loss = means.crossEntropy
        perplexity = exp(means.crossEntropy)
        bitsPerByte = bytesPerToken.map { means.crossEntropy / log(2) / $0 }
        displacement = means.displacements
        jumpRate = means.jumpRates
        jumpRateLastQuarter = means.jumpRates[JumpRate.lastQuarter(layers: displacement.count) - 1]
        displacementAfterFinalNorm = sums.displacementAfterFinalNorm / sums.loss.tokens
        let readoutTokens = sums.readoutTokens
        readoutLoss = readoutTokens > 0 ? sums.readout.map { $0 / readoutTokens } : []
    }
}

/// Sums over tokens; they travel between ranks as one list of numbers per batch.
struct EvaluationSums {
    var loss: LossSums
    var displacementAfterFinalNorm = 0.0
    var readoutTokens = 0.0
    /// Of the cross-entropy of each layer's read-out.
    var readout: [Double]

    init(layers: Int) {
        loss = LossSums(layers: layers)
        readout = [Double](repeating: 0, count: layers)
    }

    var values: [Double] { [displacementAfterFinalNorm, readoutTokens] + readout + loss.values }

    init(values: [Double], layers: Int) {
        (displacementAfterFinalNorm, readoutTokens) = (values[0], values[1])
        readout = Array(values[2..<(2 + layers)])
        loss = LossSums(values: Array(values[(2 + layers)...]))
    }

    static func += (left: inout EvaluationSums, right: EvaluationSums) {
        left = EvaluationSums(values: zip(left.values, right.values).map(+), layers: left.readout.count)
    }
}
