import Foundation

extension Plan: CustomStringConvertible {
    /// The plan as a table for people.
    public var description: String {
        var lines = [
            "model        \(count(model.parameters)) parameters, \(count(model.embeddingParameters)) of them the embedding "
                + "table; \(count(model.flopsPerToken, "FLOP")) per token",
            "ranks        \(ranks.worldSize) on \(plural(ranks.nodes, "node")), \(ranks.ranksPerNode) per node; "
                + "\(plural(ranks.lanesPerRank, "lane")) and \(plural(ranks.gradientArenasPerRank, "gradient arena")) each",
            "",
        ]
        lines += memoryTable
        lines += [
            "",
            "step         \(count(work.tokensPerStep)) tokens in \(plural(work.sequencesPerStep, "sequence")); a lane takes "
                + "\(work.sequencesPerLane), a rank computes \(plural(work.microBatchesPerRank, "microbatch", "microbatches"))",
            "run          \(plural(work.steps, "step")), \(count(work.tokens)) tokens, \(count(work.flops, "FLOP"))",
            "checkpoint   \(bytes(checkpoint.bytes)); \(checkpoint.kept) stay and one more is being written: "
                + bytes(checkpoint.mostBytesOnDisk),
        ]
        lines += notes.map { "note         \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The plan as JSON, keys in snake case and sorted.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Every number of a plan is finite, and that is all that JSON can refuse.
        return String(decoding: try! encoder.encode(self), as: UTF8.self)
    }

    private var memoryTable: [String] {
        func row(_ name: String, _ perRank: String, _ perNode: Int) -> String {
            padded(name, 12, left: true) + padded(perRank, 12) + padded(bytes(perNode), 12)
        }
        func row(_ name: String, _ perRank: Int?, _ perNode: Int) -> String {
            row(name, perRank.map(bytes) ?? "shared", perNode)
        }
        let local = ranks.ranksPerNode
        return [
            padded("memory", 12, left: true) + padded("per rank", 12) + padded("per node", 12),
            row("parameters", nil, memory.parametersPerNode),
            row("moments", nil, memory.momentsPerNode),
            row("snapshot", memory.snapshotPerNode > 0 ? "rank 0" : "none", memory.snapshotPerNode),
            row("gradients", memory.gradientsPerRank, local * memory.gradientsPerRank),
            row("activations", memory.activationsPerRank, local * memory.activationsPerRank),
            row("program", memory.programPerRank, memory.programPerNode + local * memory.programPerRank),
            row("total", memory.perRank, memory.perNode),
        ]
    }
}

private func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return left ? text + space : space + text
}

private func plural(_ count: Int, _ one: String, _ many: String? = nil) -> String {
    count == 1 ? "1 \(one)" : "\(count) \(many ?? one + "s")"
}

private func bytes(_ bytes: Int) -> String {
    scaled(Double(bytes), by: 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

/// `number` with a metric prefix before `unit`: `6.7 GFLOP`.
private func count(_ number: Double, _ unit: String = "") -> String {
    scaled(number, by: 1000, ["", "k", "M", "G", "T", "P", "E", "Z", "Y"].map { $0 + unit })
}

private func count(_ number: Int, _ unit: String = "") -> String { count(Double(number), unit) }

private func scaled(_ number: Double, by step: Double, _ units: [String]) -> String {
    var rest = number
    var unit = 0
    // What would be printed as 1000.0 gets the next unit.
    while rest >= step * 0.99995, unit < units.count - 1 {
        rest /= step
        unit += 1
    }
    let digits = unit == 0 ? "\(Int(rest))" : "\((rest * 10).rounded() / 10)"
    return units[unit].isEmpty ? digits : "\(digits) \(units[unit])"
}
