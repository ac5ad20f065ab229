import LlamaModel

extension RunConfig {
    /// Keys that do not go together, and why.
    struct Contradiction {
        let keys: [String]
        let message: String
    }

    /// Everything that is wrong between keys whose values are each allowed.
    var contradictions: [Contradiction] {
        modelContradictions + batchContradictions + scheduleContradictions
    }

    private var modelContradictions: [Contradiction] {
        let shape = model.shape
        // Each message of the shape begins with the key that it is about.
        let alsoInvolved = [
            "num_attention_heads": ["model.num_key_value_heads"],
            "head_dim": ["model.num_attention_heads", "model.hidden_size"],
        ]
        var found = shape.problems.map { problem in
            let key = String(problem.prefix { $0.isLetter || $0 == "_" })
            let keys = ["model." + key] + alsoInvolved[key, default: []] + ["model.init_from"]
            return Contradiction(keys: keys, message: "model.\(problem)")
        }
        let parameters = found.isEmpty ? ParameterLayout(shape).count : 0
        found.check(
            ["model.hidden_size", "model.num_hidden_layers", "model.vocab_size", "model.init_from"],
            parameters <= 1_000_000_000_000,
            "model has \(parameters) parameters, but must have at most 1000000000000; make it narrower or shallower")
        found.check(
            ["batch.sequence_length", "model.max_position_embeddings", "model.init_from"],
            batch.sequenceLength <= shape.maxPositionEmbeddings,
            "batch.sequence_length is \(batch.sequenceLength), but must be at most model.max_position_embeddings "
                + "(\(shape.maxPositionEmbeddings)); shorten the sequences or raise the model's limit")
        if let from = objective.jreg.from {
            found.check(
                ["objective.jreg.from", "model.num_hidden_layers", "model.init_from"], from <= shape.numHiddenLayers,
                "objective.jreg.from is \(from), but the model has only \(shape.numHiddenLayers) layers; "
                    + "write null for the last")
        }
        return found
    }

    private var batchContradictions: [Contradiction] {
        var found: [Contradiction] = []
        let (lanes, sequences, micro) = (batch.lanes, batch.globalBatchSize, batch.microBatchSize)
        found.check(
            ["batch.lanes"], lanes & (lanes - 1) == 0,
            "batch.lanes is \(lanes), but must be a power of two, or the sums would depend on the number of ranks; "
                + "try \(lanes.powerOfTwoBelow)")
        found.check(
            ["batch.global_batch_size", "batch.lanes"], sequences.isMultiple(of: lanes),
            "batch.global_batch_size is \(sequences), but must be a multiple of batch.lanes (\(lanes)); "
                + "try \((sequences / lanes + 1) * lanes)")
        if sequences.isMultiple(of: lanes) {
            let share = sequences / lanes
            let divisor = (1...min(share, micro)).last { share.isMultiple(of: $0) }!
            found.check(
                ["batch.micro_batch_size", "batch.global_batch_size", "batch.lanes"], share.isMultiple(of: micro),
                "batch.micro_batch_size is \(micro), but must divide the \(share) sequences of a lane "
                    + "(global_batch_size \(sequences) / lanes \(lanes)); try \(divisor)")
        }
        let mostTokens = 1 << 24
        found.check(
            ["batch.micro_batch_size", "batch.sequence_length"], micro * batch.sequenceLength <= mostTokens,
            "batch.micro_batch_size × batch.sequence_length is \(micro * batch.sequenceLength) tokens, but must be at "
                + "most \(mostTokens); take smaller microbatches")
        return found
    }

    private var scheduleContradictions: [Contradiction] {
        var found: [Contradiction] = []
        found.check(
            ["optimizer.warmup_steps", "run.steps"], optimizer.warmupSteps <= run.steps,
            "optimizer.warmup_steps is \(optimizer.warmupSteps), but must be at most run.steps (\(run.steps)); "
                + "shorten the warm-up too")
        found.check(
            ["objective.jreg.warmup_steps", "run.steps"], objective.jreg.warmupSteps <= run.steps,
            "objective.jreg.warmup_steps is \(objective.jreg.warmupSteps), but must be at most run.steps "
                + "(\(run.steps)); shorten the warm-up too")
        if let decay = optimizer.decaySteps, optimizer.warmupSteps <= run.steps {
            found.check(
                ["optimizer.decay_steps", "optimizer.warmup_steps", "run.steps"],
                optimizer.warmupSteps + decay <= run.steps,
                "optimizer.decay_steps is \(decay), but only \(run.steps - optimizer.warmupSteps) of run.steps "
                    + "(\(run.steps)) follow the warm-up; write null for all of them")
        }
        found.check(
            ["optimizer.min_learning_rate", "optimizer.learning_rate"],
            optimizer.finalLearningRate <= optimizer.learningRate,
            "optimizer.min_learning_rate is \(optimizer.finalLearningRate), but must be at most "
                + "optimizer.learning_rate (\(optimizer.learningRate)); write null for a tenth of it")
        found.check(
            ["parallel.wire", "parallel.reduction"], parallel.wire == .fp32 || parallel.reduction == .reproducible,
            "parallel.wire is bf16, but must be fp32 where parallel.reduction is fast, since MPI then sends the gradients "
                + "itself")
        found.check(
            ["run.readout_sequences", "run.evaluation_sequences"], run.readoutSequences <= run.evaluationSequences,
            "run.readout_sequences is \(run.readoutSequences), but must be at most run.evaluation_sequences "
                + "(\(run.evaluationSequences)), of which they are a part")
        if let limit = run.timeLimit, let margin = run.timeMargin {
            found.check(
                ["run.time_margin", "run.time_limit"], margin < limit,
                "run.time_margin is \(durationText(margin)), but must be shorter than run.time_limit "
                    + "(\(durationText(limit))), or each start would end after one step; write null for as long as a step "
                    + "and a checkpoint take")
        }
        return found
    }

    /// What keeps this run from starting on `worldSize` ranks.
    public func problems(worldSize: Int) -> [String] {
        guard worldSize > batch.lanes else { return [] }
        return [
            "\(worldSize) ranks share batch.lanes = \(batch.lanes), so some would have no work; start at most "
                + "\(batch.lanes) ranks, or raise batch.lanes to \((2 * worldSize - 1).powerOfTwoBelow)"
        ]
    }

    /// What is worth knowing of a run on `worldSize` ranks: why its numbers differ from those of another world size.
    public func notes(worldSize: Int) -> [String] {
        if parallel.reduction == .fast {
            return ["parallel.reduction is fast: results agree with other world sizes up to rounding only"]
        }
        if parallel.wire == .bf16 && worldSize > 1 {
            return [
                "parallel.wire is bf16: across nodes, results depend on how the ranks are spread over them; the same "
                    + "nodes give the same bits"
            ]
        }
        if worldSize & (worldSize - 1) != 0 {
            return [
                "\(worldSize) ranks are no power of two: the same run gives the same bits, but other world sizes agree "
                    + "with it up to rounding only"
            ]
        }
        return []
    }
}

extension Array where Element == RunConfig.Contradiction {
    fileprivate mutating func check(_ keys: [String], _ holds: Bool, _ message: @autoclosure () -> String) {
        if !holds { append(Element(keys: keys, message: message())) }
    }
}

extension Int {
    /// The largest power of two that is not larger; of a positive number.
    fileprivate var powerOfTwoBelow: Int { 1 << (Int.bitWidth - 1 - leadingZeroBitCount) }
}
