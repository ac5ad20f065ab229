import LlamaModel

extension ConfigSection {
    /// All sections, in the order of the way of the data.
    public static let all = [
        ConfigSection(path: "model", help: "the shape, with the keys of Hugging Face's config.json"),
        ConfigSection(path: "data", help: "token shards, as `jreg-dist prepare` writes them"),
        ConfigSection(path: "objective", help: "what is minimised, besides the cross-entropy"),
        ConfigSection(path: "objective.jreg", help: "the jump-suppressing regularizer"),
        ConfigSection(path: "optimizer", help: "AdamW and its learning rate"),
        ConfigSection(path: "batch", help: "how much text makes one step"),
        ConfigSection(
            path: "parallel", help: "how the work is spread; only `reduction` and `wire` change results, by rounding"),
        ConfigSection(path: "run", help: "how long, where to, how often"),
    ]
}

extension ConfigKey {
    /// The table of all keys, in the order in which they are printed.
    public static let all = model + data + objective + optimizer + batch + parallel + run

    private static let steps = 0...10_000_000

    private static func size(_ key: String) -> ValueForm<Int> { .integer(1...LlamaConfig.largest[key]!) }

    private static let model = [
        ConfigKey(
            "model.init_from", \.model.initFrom, .optional(.text("a directory with a Hugging Face Llama checkpoint")),
            "start from these weights; the shape is then theirs, and no other model key may be given"),
        ConfigKey("model.hidden_size", \.model.shape.hiddenSize, size("hidden_size"), "width of the residual stream"),
        ConfigKey(
            "model.intermediate_size", \.model.shape.intermediateSize, size("intermediate_size"), "width inside the MLP"
        ),
        ConfigKey(
            "model.num_hidden_layers", \.model.shape.numHiddenLayers, size("num_hidden_layers"), "Transformer blocks"),
        ConfigKey(
            "model.num_attention_heads", \.model.shape.numAttentionHeads, size("num_attention_heads"), "query heads"),
        ConfigKey(
            "model.num_key_value_heads", \.model.shape.numKeyValueHeads, size("num_key_value_heads"),
            "key and value heads, a divisor of the query heads; as many as these where not given"),
        ConfigKey(
            "model.head_dim", \.model.shape.headDim, size("head_dim"),
            "width of a head, even; hidden_size / num_attention_heads where not given"),
        ConfigKey(
            "model.vocab_size", \.model.shape.vocabSize, size("vocab_size"),
            "token ids, at least as many as the tokenizer has"),
        ConfigKey(
            "model.max_position_embeddings", \.model.shape.maxPositionEmbeddings, size("max_position_embeddings"),
            "longest text the model is meant for, tokens"),
        ConfigKey("model.rms_norm_eps", \.model.shape.rmsNormEps, .positive(upTo: 1), "added to the mean square"),
        ConfigKey("model.rope_theta", \.model.shape.ropeTheta, .positive(upTo: 1e12), "base of the rotary wavelengths"),
        ConfigKey(
            "model.rope_scaling", \.model.shape.ropeScaling, .ropeScaling, "stretches the rotary wavelengths"),
        ConfigKey(
            "model.tie_word_embeddings", \.model.shape.tieWordEmbeddings, .truth,
            "the output projection is the embedding table"),
        ConfigKey(
            "model.initializer_range", \.model.shape.initializerRange, .positive(upTo: 10),
            "standard deviation of the initial weights"),
    ]

    private static let data = [
        ConfigKey(
            "data.train", \.data.train, .texts("a list of paths, globs or dataset directories", atLeast: 1),
            "shards to train on; a dataset directory stands for its training shards"),
        ConfigKey(
            "data.validation", \.data.validation, .optional(.texts("a list of paths, globs or dataset directories")),
            "shards to validate on; null: the validation shards of the directories in `train`; []: none"),
        ConfigKey(
            "data.tokenizer", \.data.tokenizer, .optional(.text("a tokenizer file")),
            "for samples and checkpoints; null: the one that the dataset directories name"),
        ConfigKey("data.shuffle", \.data.shuffle, .truth, "read in an order drawn from run.seed, anew for each epoch"),
        ConfigKey("data.document_mask", \.data.documentMask, .truth, "no attention across the borders of documents"),
    ]

    private static let objective = [
        ConfigKey(
            "objective.z_loss", \.objective.zLoss, .number(0...1), "weight of the mean square of log Z; 0: none"),
        ConfigKey("objective.jreg.lambda", \.objective.jreg.lambda, .number(0...1e6), "weight; 0 switches JREG off"),
        ConfigKey(
            "objective.jreg.kind", \.objective.jreg.kind, .choice,
            "all layers weighted, the final one alone, or the jump rate from a layer on"),
        ConfigKey(
            "objective.jreg.alpha", \.objective.jreg.alpha, .number(0...1000),
            "kind weighted: layer l weighs (l/L)^alpha; 0: all alike"),
        ConfigKey(
            "objective.jreg.from", \.objective.jreg.from, .optional(.integer(1...1024)),
            "kind jump-rate: the first layer that counts, from 1; null: the last"),
        ConfigKey(
            "objective.jreg.warmup_steps", \.objective.jreg.warmupSteps, .integer(steps),
            "steps over which lambda rises from 0"),
    ]

    private static let optimizer = [
        ConfigKey(
            "optimizer.learning_rate", \.optimizer.learningRate, .positive(upTo: 10), "the highest of the schedule"),
        ConfigKey(
            "optimizer.min_learning_rate", \.optimizer.minLearningRate, .optional(.number(0...10)),
            "the last of the schedule; null: a tenth of learning_rate"),
        ConfigKey("optimizer.schedule", \.optimizer.schedule, .choice, "course of the learning rate after the warm-up"),
        ConfigKey(
            "optimizer.warmup_steps", \.optimizer.warmupSteps, .integer(steps),
            "steps over which the learning rate rises from 0"),
        ConfigKey(
            "optimizer.decay_steps", \.optimizer.decaySteps, .optional(.integer(1...steps.upperBound)),
            "steps of the fall; null: all after the warm-up, and for wsd the last tenth of the run"),
        ConfigKey("optimizer.beta1", \.optimizer.beta1, .fraction, "decay of the mean gradient per step"),
        ConfigKey("optimizer.beta2", \.optimizer.beta2, .fraction, "decay of the mean square gradient per step"),
        ConfigKey("optimizer.epsilon", \.optimizer.epsilon, .positive(upTo: 1), "added to the root of the mean square"),
        ConfigKey(
            "optimizer.weight_decay", \.optimizer.weightDecay, .number(0...10), "decoupled, on matrices only"),
        ConfigKey(
            "optimizer.max_grad_norm", \.optimizer.maxGradNorm, .number(0...1e6),
            "the global gradient norm is cut to this; 0: never"),
        ConfigKey(
            "optimizer.max_bad_steps", \.optimizer.maxBadSteps, .integer(1...steps.upperBound),
            "steps whose loss or gradient is NaN or infinite, and spikes, are skipped; so many in a row end the run"),
        ConfigKey(
            "optimizer.spike_threshold", \.optimizer.spikeThreshold, .number(0...1e6),
            "also skip steps whose loss is so many standard deviations above the last ones; 0: never"),
        ConfigKey(
            "optimizer.spike_window", \.optimizer.spikeWindow, .integer(2...65_536),
            "how many losses these are; none is a spike before there are as many"),
        ConfigKey(
            "optimizer.shard", \.optimizer.shard, .choice,
            "the moments lie once on each node, or spread over all nodes (ZeRO-1)"),
    ]

    private static let batch = [
        ConfigKey("batch.sequence_length", \.batch.sequenceLength, .integer(1...1_048_576), "tokens of one sequence"),
        ConfigKey(
            "batch.micro_batch_size", \.batch.microBatchSize, .integer(1...65_536),
            "sequences that one rank computes at a time; decides the memory of the activations"),
        ConfigKey(
            "batch.global_batch_size", \.batch.globalBatchSize, .integer(1...262_144),
            "sequences of one step, over all ranks; a multiple of lanes × micro_batch_size"),
        ConfigKey(
            "batch.lanes", \.batch.lanes, .integer(1...4096),
            "parts of the batch, a power of two; as many ranks at most, with the same results for each power of two"),
    ]

    private static let parallel = [
        ConfigKey(
            "parallel.reduction", \.parallel.reduction, .choice,
            "gradient sums: the same bits for every world size, or MPI's own order"),
        ConfigKey(
            "parallel.wire", \.parallel.wire, .choice,
            "gradients between nodes: bf16 sends half the bytes and rounds them; sums stay fp32"),
        ConfigKey(
            "parallel.threads_per_rank", \.parallel.threadsPerRank, .optional(.integer(1...1024), none: "auto"),
            "threads; auto: the cores of a node, divided by its ranks"),
        ConfigKey(
            "parallel.recompute", \.parallel.recompute, .truth,
            "compute activations again in the backward pass: a third more time, far less memory"),
    ]

    private static let run = [
        ConfigKey("run.steps", \.run.steps, .integer(1...steps.upperBound), "optimizer steps of the whole run"),
        ConfigKey(
            "run.seed", \.run.seed, .integer(0...9_007_199_254_740_991),
            "decides the initial weights and the order of data"),
        ConfigKey("run.out", \.run.out, .text("a directory"), "directory of checkpoints, metrics.jsonl and report.md"),
        ConfigKey("run.log_every", \.run.logEvery, .integer(1...steps.upperBound), "steps between two console lines"),
        ConfigKey(
            "run.evaluate_every", \.run.evaluateEvery, .integer(steps), "steps between evaluations; 0: only at the end"),
        ConfigKey(
            "run.evaluation_sequences", \.run.evaluationSequences, .integer(1...16_777_216),
            "validation sequences of one evaluation"),
        ConfigKey(
            "run.readout_sequences", \.run.readoutSequences, .integer(0...16_777_216),
            "of these, how many are read out at every layer; 0: none"),
        ConfigKey(
            "run.checkpoint_every", \.run.checkpointEvery, .integer(steps),
            "steps between checkpoints; 0: only at the end"),
        ConfigKey(
            "run.checkpoint_in_background", \.run.checkpointInBackground, .truth,
            "train on while a checkpoint is written; takes 12 bytes per parameter more on the node of rank 0"),
        ConfigKey(
            "run.keep_checkpoints", \.run.keepCheckpoints, .integer(2...1000),
            "newest checkpoints that stay; the last good one must outlive the writing of the next"),
        ConfigKey(
            "run.time_limit", \.run.timeLimit, .optional(.duration),
            "end within this time from each start, checkpoint included, with exit code 75; null: no limit but Slurm's"),
        ConfigKey(
            "run.time_margin", \.run.timeMargin, .optional(.duration),
            "how long before the limit the run stops; null: the longest step and the last checkpoint, and half as much more"
        ),
        ConfigKey(
            "run.check_replicas_every", \.run.checkReplicasEvery, .integer(steps),
            "steps between comparisons of the nodes' copies of the weights; 0: only before checkpoints"),
        ConfigKey(
            "run.stall_timeout", \.run.stallTimeout, .optional(.duration),
            "a rank that makes no progress for so long is named, and the job ended; null: wait for ever"),
        ConfigKey(
            "run.trace", \.run.trace, .optional(.text("a file, such as trace.json")),
            "write the third step after each start as a Chrome trace, a line for each rank; null: none"),
    ]
}
