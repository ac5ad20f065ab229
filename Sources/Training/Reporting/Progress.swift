import Foundation
import LlamaModel
import Logging
import Objectives

/// The line that tells how a run is doing: one that is rewritten on a terminal, one every `log_every` steps elsewhere.
final class Progress {
    private let logger: Logger
    private let run: RunConfig.RunSection
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var isLineOpen = false
    /// Seconds of recent steps; their median is what the ETA counts on, since single steps are disturbed.
    private var recent: [Double] = []

    init(logger: Logger, _ run: RunConfig.RunSection) {
        self.logger = logger
        self.run = run
    }

    /// Whether a line is printed for `step` where there is no terminal.
    static func isDue(_ step: Int, _ run: RunConfig.RunSection) -> Bool {
        step % run.logEvery == 0 || step == run.steps || step == 1
    }

    func report(_ record: StepRecord) {
        recent = Array((recent + [record.seconds]).suffix(50))
        let line = text(record)
        if isTerminal {
            writeToStandardError("\r\u{1B}[K" + line)
            isLineOpen = true
            if Self.isDue(record.step, run) { close() }
        } else if Self.isDue(record.step, run) {
            logger.info("\(line)")
        }
    }

    /// Ends a line that is being rewritten, before anything else is printed.
    func close() {
        if isLineOpen { writeToStandardError("\n") }
        isLineOpen = false
    }

    private func text(_ record: StepRecord) -> String {
        let median = recent.sorted()[recent.count / 2]
        let quarter = JumpRate.lastQuarter(layers: record.jumpRate.count)
        let fields = [
            "step \(record.step)/\(run.steps)", "loss \(record.loss.text(4))", "ce \(record.crossEntropy.text(4))",
            "jreg \(record.jreg.text(4))", "ζ\(quarter) \(record.jumpRate[quarter - 1].text(2))",
            "lr \(String(format: "%.2e", record.learningRate))", "|g| \(record.gradNorm.text(3))",
            "\(Int(record.tokensPerSecond)) tok/s", "\(record.gflops.text(0)) GFLOP/s",
            "MFU \((100 * record.mfu).text(0)) %", "ETA \(duration(median * Double(run.steps - record.step)))",
        ]
        return fields.joined(separator: "  ")
    }
}

extension Double {
    /// With so many digits behind the point.
    func text(_ digits: Int) -> String { String(format: "%.\(digits)f", self) }
}

/// `1h02m`, `3m20s` or `12s`.
func duration(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded())
    if whole >= 3600 { return "\(whole / 3600)h" + String(format: "%02d", whole % 3600 / 60) + "m" }
    return whole >= 60 ? "\(whole / 60)m" + String(format: "%02d", whole % 60) + "s" : "\(whole)s"
}

/// Bytes as people read them.
func byteText(_ bytes: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var (value, unit) = (Double(bytes), 0)
    while value >= 1024 && unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
    return "\(value.text(unit == 0 ? 0 : 1)) \(units[unit])"
}
