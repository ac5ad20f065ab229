import CPlatform
import Collectives
import Foundation
import Kernels
import LlamaModel
import Objectives

/// What a run is and on what it runs, as one table at the start.
struct Banner {
    let config: RunConfig
    let communicator: any Communicator
    let plan: Plan
    let threads: Int
    let peakFlopsPerCore: Double
    let data: String
    let start: String
    let memory: RunMemory

    var lines: [String] {
        let topology = communicator.topology
        let batch = config.batch
        var rows = [
            ("jreg-dist", Version.jregDist + ", " + Version.instructionSet + ", Swift " + Version.swift),
            ("model", modelText),
            ("objective", objectiveText),
            ("data", data),
            (
                "batch",
                "\(batch.globalBatchSize) × \(batch.sequenceLength) tokens a step, in \(batch.lanes) lanes of "
                    + "\(batch.microBatchesPerLane) × \(batch.microBatchSize); \(config.run.steps) steps, "
                    + "\(config.run.steps * batch.tokensPerStep) tokens"
            ),
            (
                "ranks",
                "\(topology.worldSize) on \(topology.nodeCount) node\(topology.nodeCount == 1 ? "" : "s") "
                    + "(\(topology.ranksPerNode.map(String.init).joined(separator: "+"))), "
                    + "\(threads) thread\(threads == 1 ? "" : "s") each; \(communicator.library)"
            ),
            ("cpu", "peak of multiply-adds \((peakFlopsPerCore / 1e9).text(0)) GFLOP/s per core"),
            (
                "memory",
                "\(byteText(plan.memory.perNode)) on a node: weights \(byteText(plan.memory.parametersPerNode)) and "
                    + "moments \(byteText(plan.memory.momentsPerNode)) once, and for each rank gradients "
                    + "\(byteText(plan.memory.gradientsPerRank)), activations \(byteText(plan.memory.activationsPerRank)), program "
                    + "\(byteText(plan.memory.programPerRank))" + snapshotText
            ),
            (
                "output",
                "\(config.run.out), a checkpoint of \(byteText(plan.checkpoint.bytes)) every \(config.run.checkpointEvery) steps"
            ),
            ("start", start),
        ]
        rows += notes.map { ("note", $0) }
        return rows.map { $0.0.padding(toLength: 10, withPad: " ", startingAt: 0) + $0.1 }
    }

    private var modelText: String {
        let shape = config.model.shape
        let millions = (Double(plan.model.parameters) / 1e6).text(1)
        return "\(millions) M parameters: \(shape.numHiddenLayers) layers × \(shape.hiddenSize), "
            + "\(shape.numAttentionHeads) heads (\(shape.numKeyValueHeads) of keys) × \(shape.headDim), MLP "
            + "\(shape.intermediateSize), vocabulary \(shape.vocabSize)\(shape.tieWordEmbeddings ? " tied" : "")"
    }

    private var snapshotText: String {
        let bytes = plan.memory.snapshotPerNode
        return bytes == 0 ? "" : "; from the first checkpoint on, a snapshot of \(byteText(bytes)) with rank 0"
    }

    private var objectiveText: String {
        let jreg = config.objective.jreg
        let kind =
            switch jreg.kind {
            case .weighted: "weighted, α = \(jreg.alpha)"
            case .final: "final"
            case .jumpRate: "jump rate from layer \(jreg.from ?? config.model.shape.numHiddenLayers)"
            }
        var text = jreg.lambda == 0 ? "cross-entropy (JREG off)" : "cross-entropy + \(jreg.lambda) · JREG (\(kind))"
        if config.objective.zLoss > 0 { text += " + \(config.objective.zLoss) · z-loss" }
        return text
    }

    /// What a user would want to know before the run has gone on for hours.
    private var notes: [String] {
        var notes = config.notes(worldSize: communicator.worldSize)
        let topology = communicator.topology
        let cores = ThreadBudget.openCores(ranksOnHost: topology.ranksOnHost)
        if threads * topology.ranksOnHost > cores {
            notes.append(
                "\(topology.ranksOnHost) ranks × \(threads) threads share \(cores) cores of \(topology.hostName): the "
                    + "results are the same, the time is not")
        }
        if topology.nodeCount > 1 && !communicator.canSendInBackground {
            notes.append(
                "this MPI lets only one thread send (\(communicator.library)), so no node notices that another hangs")
        }
        if cplatform_has_avx512() == 1 && Version.instructionSet != "x86-64-v4" {
            notes.append(
                "this binary was built for \(Version.instructionSet), but the CPU has AVX-512: one that `Launch/build --cpu "
                    + "x86-64-v4` makes is about twice as fast")
        }
        return notes
    }
}
