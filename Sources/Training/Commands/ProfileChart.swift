import FileSafety
import Foundation

/// A jump profile as a picture: Ψ of each layer as bars, ζ and the read-out loss as lines, each on its own scale.
struct ProfileChart {
    let report: EvaluationReport

    private let width = 720.0
    private let height = 360.0
    private let margin = 48.0

    var svg: String {
        let result = report.result
        let layers = result.displacement.count
        let slot = (width - 2 * margin) / Double(layers)
        func x(_ layer: Int) -> Double { margin + (Double(layer) + 0.5) * slot }
        func y(_ value: Double, of most: Double) -> Double {
            height - margin - (most > 0 ? value / most : 0) * (height - 2 * margin)
        }
        let mostDisplacement = result.displacement.max() ?? 0
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" "
                + "font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            label(margin, 20, "Jump profile of \(escaped(report.checkpoint)): loss \(result.loss.text(3))", "black"),
        ]
        for (layer, value) in result.displacement.enumerated() {
            let top = y(value, of: mostDisplacement)
            parts.append(
                "<rect x=\"\((x(layer) - slot * 0.35).text(1))\" y=\"\(top.text(1))\" width=\"\((slot * 0.7).text(1))\" "
                    + "height=\"\((height - margin - top).text(1))\" fill=\"#9ecae1\"/>")
            parts.append(label(x(layer) - 4, height - margin + 16, "\(layer + 1)", "black"))
        }
        parts.append(line(result.jumpRate, "#d62728", x) { y($0, of: result.jumpRate.max() ?? 0) })
        parts.append(label(margin, 36, "Ψ, most \(mostDisplacement.text(4))", "#3182bd"))
        parts.append(label(margin + 170, 36, "ζ, most \((result.jumpRate.max() ?? 0).text(2))", "#d62728"))
        if let most = result.readoutLoss.max() {
            parts.append(line(result.readoutLoss, "#2ca02c", x) { y($0, of: most) })
            parts.append(label(margin + 340, 36, "read-out loss, most \(most.text(2))", "#2ca02c"))
        }
        return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private func line(
        _ values: [Double], _ color: String, _ x: (Int) -> Double, _ y: (Double) -> Double
    ) -> String {
        let points = values.enumerated().map { "\(x($0.offset).text(1)),\(y($0.element).text(1))" }
        return
            "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\" points=\"\(points.joined(separator: " "))\"/>"
    }

    private func label(_ x: Double, _ y: Double, _ text: String, _ color: String) -> String {
        "<text x=\"\(x.text(1))\" y=\"\(y.text(1))\" fill=\"\(color)\">\(text)</text>"
    }

    private func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
    }
}

extension EvaluationReport {
    /// Writes the profile as SVG.
    public func writeChart(to path: String) throws {
        do {
            try Data(ProfileChart(report: self).svg.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw TrainingError(.internal, "cannot write \(path): \(error.fileReason)")
        }
    }
}
