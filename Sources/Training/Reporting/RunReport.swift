import Evaluation
import LlamaModel

/// `report.md`: where a run stands, for people.
struct RunReport {
    let config: RunConfig
    /// Steps whose update was left out.
    var skipped = 0
    var last: (step: Int, result: EvaluationResult)?

    var markdown: String {
        guard let (step, result) = last else { return "# No evaluation yet\n" }
        let jreg = config.objective.jreg
        var lines = [
            "# \(config.run.out) after step \(step) of \(config.run.steps)", "",
            "| validation | |", "|---|---|",
            "| loss, nats per token | \(result.loss.text(4)) |",
            "| perplexity | \(result.perplexity.text(2)) |",
        ]
        if let bits = result.bitsPerByte { lines.append("| bits per byte | \(bits.text(4)) |") }
        lines += [
            "| sequences | \(result.sequences) of \(config.batch.sequenceLength) tokens |",
            "| JREG | \(jreg.lambda == 0 ? "off" : "\(jreg.kind.rawValue), λ = \(jreg.lambda)") |",
            "| steps skipped | \(skipped) |",
            "| ζ of the last quarter of the layers | \(result.jumpRateLastQuarter.text(3)) |", "",
            "| layer | displacement Ψ | jump rate ζ | read-out loss |", "|---|---|---|---|",
        ]
        for layer in 1...result.displacement.count {
            let readout = result.readoutLoss.isEmpty ? "" : result.readoutLoss[layer - 1].text(4)
            lines.append(
                "| \(layer) | \(result.displacement[layer - 1].text(5)) | \(result.jumpRate[layer - 1].text(3)) | \(readout) |"
            )
        }
        lines += [
            "",
            "Ψ_l = ½(1 − cos(h_{l−1}, h_l)), the mean over tokens; ζ_l = 100 · Σ_{k≥l} max(0, Ψ_k − Ψ_{k−1}) "
                + "(arXiv 2601.18302). Read-out: h_l through the final norm and the head, "
                + "over \(result.readoutSequences) sequences.",
            "",
        ]
        return lines.joined(separator: "\n")
    }
}
