import Foundation
import LlamaModel
import Testing
import Training

/// The plan against numbers computed by hand.
@Suite struct PlanTests {
    /// hidden 4, intermediate 6, 2 layers, 2 heads of 2, vocabulary 10:
    /// table 40; a block 4 + 3·16 + 16 + 4 + 2·24 + 24 = 144; two of them 288; final norm 4; head 40.
    private func tiny(_ overrides: String...) throws -> RunConfig {
        let shape = """
            model: {hidden_size: 4, intermediate_size: 6, num_hidden_layers: 2, num_attention_heads: 2, vocab_size: 10,
                    max_position_embeddings: 16, tie_word_embeddings: false}
            batch: {sequence_length: 8, micro_batch_size: 2, global_batch_size: 32, lanes: 8}
            """
        return try RunConfig.load(yaml: shape, named: "tiny", overrides: overrides) { _ in throw NoCheckpoint() }
    }

    private func plan(_ config: RunConfig, ranks: Int, perNode: Int) -> Plan {
        Plan(config, worldSize: ranks, ranksPerNode: perNode) { _ in 1000 }
    }

    @Test func model() throws {
        let model = plan(try tiny(), ranks: 1, perNode: 1).model
        #expect(model.parameters == 372)
        #expect(model.embeddingParameters == 40)
        // 6 for each of the 332 weights that multiply, and 6·L·T·d = 6·2·8·4 for the attention.
        #expect(model.flopsPerToken == 6 * 332 + 384)
        // Tied, the table is stored once and multiplies once.
        let tied = plan(try tiny("model.tie_word_embeddings=true"), ranks: 1, perNode: 1).model
        #expect(tied.parameters == 332)
        #expect(tied.flopsPerToken == model.flopsPerToken)
        // Grouped queries and wide heads: the attention is as wide as all query heads.
        let wide = plan(try tiny("model.head_dim=6", "model.num_key_value_heads=1"), ranks: 1, perNode: 1).model
        #expect(wide.parameters == 80 + 4 + 2 * (8 + 48 + 2 * 24 + 48 + 72))
        #expect(wide.flopsPerToken == 6 * (wide.parameters - 40) + 6 * 2 * 8 * 12)
    }

    @Test func memoryOfOneNode() throws {
        let memory = plan(try tiny(), ranks: 8, perNode: 8).memory
        #expect(memory.parametersPerNode == 372 * 4)
        #expect(memory.momentsPerNode == 372 * 8)
        #expect(memory.gradientsPerRank == 372 * 4)
        #expect(memory.activationsPerRank == 4000)
        #expect(memory.perRank == 372 * 4 + 4000 + memory.programPerRank)
        #expect(memory.snapshotPerNode == 372 * 12)
        #expect(memory.perNode == 2 * 372 * 12 + memory.programPerNode + 8 * (372 * 4 + 4000 + memory.programPerRank))
    }

    /// The last checkpoint is written from the state itself, so a run with no other needs no snapshot.
    @Test(arguments: ["run.checkpoint_in_background=false", "run.checkpoint_every=0", "run.checkpoint_every=400"])
    func runsWithoutASnapshot(override: String) throws {
        let plan = plan(try tiny(override), ranks: 8, perNode: 8)
        #expect(plan.memory.snapshotPerNode == 0)
        #expect(plan.memory.perNode == 372 * 12 + plan.memory.programPerNode + 8 * plan.memory.perRank)
    }

    @Test(arguments: [(1, 8, 4), (2, 4, 3), (3, 3, 2), (4, 2, 2), (5, 2, 2), (8, 1, 1)])
    func arenasOfTheBinaryCounter(_ ranks: Int, _ lanes: Int, _ arenas: Int) throws {
        let reproducible = plan(try tiny(), ranks: ranks, perNode: 8)
        #expect(reproducible.ranks.lanesPerRank == lanes)
        #expect(reproducible.ranks.gradientArenasPerRank == arenas)
        #expect(reproducible.memory.gradientsPerRank == arenas * 372 * 4)
        let fast = plan(try tiny("parallel.reduction=fast"), ranks: ranks, perNode: 8)
        #expect(fast.ranks.gradientArenasPerRank == 1)
    }

    @Test func momentsSpreadOverTheWorld() throws {
        let config = try tiny("optimizer.shard=world")
        #expect(plan(config, ranks: 8, perNode: 2).memory.momentsPerNode == 2 * 2 * 47 * 4)  // 372 / 8 = 46.5
        #expect(plan(config, ranks: 8, perNode: 8).memory.momentsPerNode == 372 * 8)
        #expect(plan(config, ranks: 1, perNode: 1).memory.momentsPerNode == 372 * 8)
    }

    @Test func nodesThatAreNotFull() throws {
        let six = plan(try tiny(), ranks: 6, perNode: 4)
        #expect(six.ranks.nodes == 2)
        #expect(six.ranks.ranksPerNode == 4)
        let few = plan(try tiny(), ranks: 2, perNode: 64)
        #expect(few.ranks.nodes == 1)
        #expect(few.ranks.ranksPerNode == 2)
    }

    @Test func workAndCheckpoint() throws {
        let plan = plan(try tiny("run.steps=100", "run.keep_checkpoints=2"), ranks: 2, perNode: 2)
        #expect(plan.work.tokensPerStep == 256)
        #expect(plan.work.tokens == 25_600)
        #expect(plan.work.sequencesPerLane == 4)
        #expect(plan.work.microBatchesPerLane == 2)
        #expect(plan.work.microBatchesPerRank == 8)
        #expect(plan.work.flopsPerStep == 256 * 2376)
        #expect(plan.work.flops == 25_600 * 2376)
        #expect(plan.checkpoint.bytes == 372 * 12 + 16 << 20)
        #expect(plan.checkpoint.mostBytesOnDisk == 3 * plan.checkpoint.bytes)
    }

    @Test func activationsAreAskedOfTheConfig() throws {
        let config = try tiny()
        let plan = Plan(config, worldSize: 1, ranksPerNode: 1) { $0.batch.microBatchSize * $0.batch.sequenceLength }
        #expect(plan.memory.activationsPerRank == 64)
    }

    @Test func largestConfigDoesNotOverflow() throws {
        let config = try tiny(
            "model.hidden_size=65536", "model.intermediate_size=262144", "model.num_hidden_layers=14",
            "model.vocab_size=30000", "model.num_attention_heads=1024", "model.num_key_value_heads=1024",
            "batch.lanes=4096", "batch.global_batch_size=262144", "batch.micro_batch_size=64", "run.steps=10000000",
            "batch.sequence_length=262144", "model.max_position_embeddings=16777216", "run.keep_checkpoints=1000")
        let plan = Plan(config, worldSize: 4096, ranksPerNode: 4096) { _ in .max }
        #expect(plan.model.parameters > 900_000_000_000)
        #expect(plan.memory.perNode > 4096 * (1 << 50))
        #expect(plan.description.contains("PiB"))
    }

    @Test func worldSizesAreHeldAgainstTheLanes() throws {
        let config = try tiny()
        #expect(config.problems(worldSize: 8).isEmpty)
        #expect(
            config.problems(worldSize: 9) == [
                "9 ranks share batch.lanes = 8, so some would have no work; start at most 8 ranks, or raise batch.lanes to 16"
            ])
        #expect(config.notes(worldSize: 4).isEmpty)
        #expect(config.notes(worldSize: 3).first?.contains("no power of two") == true)
        #expect(try tiny("parallel.reduction=fast").notes(worldSize: 4).first?.contains("fast") == true)
    }

    @Test func jsonHoldsThePlan() throws {
        let plan = plan(try tiny(), ranks: 3, perNode: 2)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        #expect(try decoder.decode(Plan.self, from: Data(plan.json.utf8)) == plan)
        #expect(plan.json.contains("\"moments_per_node\":2976"))
    }

    @Test func tableForPeople() throws {
        let config = try RunConfig.load(file: repository.appending(path: "Configs/llama-1b.yaml").path()) { _ in
            throw NoCheckpoint()
        }
        let plan = Plan(config, worldSize: 16, ranksPerNode: 4) { _ in 1 << 28 }
        #expect(
            plan.description == """
                model        1.0 G parameters, 65.5 M of them the embedding table; 6.1 GFLOP per token
                ranks        16 on 4 nodes, 4 per node; 1 lane and 1 gradient arena each

                memory          per rank    per node
                parameters        shared     3.7 GiB
                moments           shared     7.5 GiB
                snapshot          rank 0    11.2 GiB
                gradients        3.7 GiB    15.0 GiB
                activations      1.0 GiB     4.0 GiB
                program         13.0 MiB    64.0 MiB
                total            4.8 GiB    41.5 GiB

                step         524.3 k tokens in 256 sequences; a lane takes 16, a rank computes 16 microbatches
                run          38400 steps, 20.1 G tokens, 122.0 EFLOP
                checkpoint   11.2 GiB; 3 stay and one more is being written: 45.0 GiB

                """)
    }
}
