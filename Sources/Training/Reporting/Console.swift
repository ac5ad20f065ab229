import Collectives
import Evaluation
import FileSafety
import Foundation
import Kernels
import LlamaModel
import Logging
import Objectives

/// Everything that rank 0 tells of a run: the banner, the progress line, `metrics.jsonl`, `config.yaml` and `report.md`.
final class Console {
    private let config: RunConfig
    private let logger: Logger
    private let meter: ThroughputMeter
    private let metrics: MetricsLog
    private let progress: Progress
    private var report: RunReport

    init(
        _ config: RunConfig, _ communicator: any Communicator, _ logger: Logger, threads: Int, data: String,
        start: Checkpointing.Start, state: TrainingState, memory: RunMemory
    ) throws {
        self.config = config
        self.logger = logger
        let topology = communicator.topology
        let peak = PeakRate.measure(on: ThreadTeam(size: 1))
        let plan = Plan(config, topology, threads: threads)
        let cores = topology.ranksPerNode.reduce(0) {
            $0 + min($1 * threads, ThreadBudget.openCores(ranksOnHost: topology.ranksOnHost))
        }
        meter = ThroughputMeter(
            tokensPerStep: config.batch.tokensPerStep, flopsPerStep: plan.work.flopsPerStep,
            peakFlops: peak * Double(cores))
        metrics = try MetricsLog(directory: config.run.out, keepingUpTo: state.step)
        progress = Progress(logger: logger, config.run)
        report = RunReport(config: config, skipped: state.history.skipped)

        var startText = "fresh, seed \(config.run.seed)"
        if let initFrom = config.model.initFrom { startText = "the weights of \(initFrom)" }
        if case .checkpoint(let path, let skipped) = start {
            startText = "step \(state.step), from \(path)"
            for reason in skipped { logger.warning("skipped a checkpoint: \(reason)") }
        }
        let banner = Banner(
            config: config, communicator: communicator, plan: plan, threads: threads, peakFlopsPerCore: peak,
            data: data, start: startText, memory: memory)
        for line in banner.lines { logger.info("\(line)") }
        logger.info("resolved config (also in \(config.run.out)/config.yaml): \(config.json)")
        try writeText(config.yaml, "config.yaml")
    }

    /// Whether the run was stopped after the step that it goes on from, before its evaluation.
    var isEvaluationOwed: Bool { metrics.endsWithAStep }

    func report(_ result: StepResult, seconds: Double, memory: RunMemory) throws {
        let record = StepRecord(result, seconds: seconds, meter: meter, memory: memory)
        try metrics.write(record)
        progress.report(record)
        report.skipped = result.skipped
        guard let bad = result.bad else { return }
        progress.close()
        logger.warning("step \(result.step) was skipped, its update is not made: \(bad.text)")
    }

    /// What is to be said when the run ends, at its last step or before.
    func summarize(steps: Int) {
        guard report.skipped > 0 else { return }
        logger.warning("\(report.skipped) of \(steps) steps were skipped; metrics.jsonl has why, under \"bad\"")
    }

    func report(_ result: EvaluationResult, step: Int) throws {
        progress.close()
        try metrics.write(EvaluationRecord(step: step, evaluation: result))
        report.last = (step, result)
        logger.info("\(result.summary(step: step))")
        try writeText(report.markdown, "report.md")
    }

    func warn(_ text: String) {
        progress.close()
        logger.warning("\(text)")
    }

    func report(_ checkpoint: WrittenCheckpoint) {
        progress.close()
        if checkpoint.secondsWaited > 0 {
            let text =
                "training waited \(checkpoint.secondsWaited.text(2)) s for the checkpoint before that of step "
                + "\(checkpoint.step): run.checkpoint_every (\(config.run.checkpointEvery)) is shorter than the time of a "
                + "write; raise it"
            logger.notice("\(text)")
        }
        let (write, standstill) = (checkpoint.secondsToWrite.text(2), checkpoint.secondsOfStandstill.text(2))
        logger.info("checkpoint \(checkpoint.path) written in \(write) s, training stood still for \(standstill) s")
    }

    private func writeText(_ text: String, _ name: String) throws {
        let path = config.run.out + "/" + name
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw TrainingError(.internal, "cannot write \(path): \(error.fileReason)")
        }
    }
}

/// A line of `metrics.jsonl` for an evaluation.
private struct EvaluationRecord: Encodable {
    let step: Int
    let evaluation: EvaluationResult
}

extension EvaluationResult {
    func summary(step: Int) -> String {
        let layers = displacement.count
        let quarter = JumpRate.lastQuarter(layers: layers)
        var text = "evaluation at step \(step): loss \(loss.text(4))  perplexity \(perplexity.text(2))"
        if let bitsPerByte { text += "  bits/byte \(bitsPerByte.text(4))" }
        text += "  ζ\(quarter) \(jumpRateLastQuarter.text(2))  ζ\(layers) \(jumpRate[layers - 1].text(2))"
        if !readoutLoss.isEmpty { text += "  read-out of layer \(layers / 2) \(readoutLoss[layers / 2 - 1].text(3))" }
        return text
    }
}
