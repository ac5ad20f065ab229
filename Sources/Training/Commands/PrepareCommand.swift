import Collectives
import Corpus
import Logging

/// `prepare`: one process turns text into token shards, and says how far it is.
public struct PrepareCommand: Sendable {
    public var preparation: CorpusPreparation

    public init(preparation: CorpusPreparation) { self.preparation = preparation }

    public func run(_ communicator: any Communicator, _ logger: Logger) throws {
        guard communicator.worldSize == 1 else {
            throw TrainingError(
                .usage,
                "prepare runs in one process, but \(communicator.worldSize) ranks were started: leave out mpirun")
        }
        try run(logger)
    }

    func run(_ logger: Logger) throws {
        let started = ContinuousClock.now
        var lastLine = started
        var lastPhase: CorpusPreparation.Progress.Phase?
        let outcome = try preparation.run { progress in
            let now = ContinuousClock.now
            if progress.phase == lastPhase && now - lastLine < .seconds(5) { return }
            (lastLine, lastPhase) = (now, progress.phase)
            logger.info("\(Self.line(progress))")
        }
        for note in outcome.notes { logger.notice("\(note)") }
        let dataset = outcome.dataset
        logger.info("tokenizer: \(outcome.tokenizer.description)")
        for split in DatasetSplit.allCases {
            let part = dataset[split]
            var text = "\(split.rawValue): \(part.tokens) tokens of \(part.documents) documents"
            if let bytes = part.bytesPerToken { text += ", \(bytes.text(2)) bytes per token" }
            if let entropy = part.unigramEntropy { text += ", unigram entropy \(entropy.text(4)) nats per token" }
            logger.info("\(text)")
        }
        logger.info(
            "wrote \(preparation.output) in \(duration((ContinuousClock.now - started).seconds)); train on it with --set data.train=[\(preparation.output)]"
        )
    }

    private static func line(_ progress: CorpusPreparation.Progress) -> String {
        switch progress.phase {
        case .reading: return "reading: \(byteText(progress.bytes))"
        case .trainingTokenizer: return "training the tokenizer"
        case .encoding:
            let total = progress.totalBytes.map { " of \(byteText($0))" } ?? ""
            return "encoding: \(byteText(progress.bytes))\(total), \(progress.tokens) tokens"
        }
    }
}
