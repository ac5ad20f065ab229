import LlamaModel
import Yams

extension ValueForm where Value == LlamaConfig.RopeScaling {
    /// Hugging Face's `rope_scaling`: null, or a map whose `rope_type` says which other keys it needs.
    static var ropeScaling: Self {
        Self(
            wanted: "null, {rope_type: linear, factor: F}, or {rope_type: llama3, factor: F, low_freq_factor: A, "
                + "high_freq_factor: B, original_max_position_embeddings: N}",
            read: { node throws(Mismatch) in
                if node.isNull { return .none }
                guard case .mapping(let mapping) = node else { throw Mismatch(node: node) }
                var fields = Fields(mapping)
                let scaling: LlamaConfig.RopeScaling
                let type = fields.take("rope_type")
                switch type?.scalar?.string {
                case "linear": scaling = .linear(factor: try fields.factor("factor", of: node))
                case "llama3":
                    scaling = .llama3(
                        factor: try fields.factor("factor", of: node),
                        lowFreqFactor: try fields.factor("low_freq_factor", of: node),
                        highFreqFactor: try fields.factor("high_freq_factor", of: node),
                        originalMaxPositionEmbeddings: try fields.length(
                            "original_max_position_embeddings", of: node))
                default:
                    guard let type else { throw Mismatch(node: node, hint: "rope_type is missing") }
                    throw Mismatch(node: type, part: ".rope_type", wanted: "linear or llama3")
                }
                if let stranger = fields.rest.first {
                    throw Mismatch(node: node, hint: "\(stranger.key.found) is not one of its keys")
                }
                return scaling
            }, write: write)
    }

    private static func write(_ scaling: LlamaConfig.RopeScaling) -> ConfigValue {
        switch scaling {
        case .none: .null
        case .linear(let factor): .map([("rope_type", .text("linear")), ("factor", .number(factor))])
        case .llama3(let factor, let low, let high, let original):
            .map([
                ("rope_type", .text("llama3")), ("factor", .number(factor)), ("low_freq_factor", .number(low)),
                ("high_freq_factor", .number(high)), ("original_max_position_embeddings", .int(original)),
            ])
        }
    }
}

/// The entries of a map that nobody has asked for yet.
private struct Fields {
    var rest: [(key: Node, value: Node)]

    init(_ mapping: Node.Mapping) { rest = mapping.map { ($0.key, $0.value) } }

    mutating func take(_ name: String) -> Node? {
        rest.firstIndex { $0.key.scalar?.string == name }.map { rest.remove(at: $0).value }
    }

    mutating func factor(_ name: String, of map: Node) throws(Mismatch) -> Double {
        try read(name, .positive(upTo: 1e6), of: map)
    }

    mutating func length(_ name: String, of map: Node) throws(Mismatch) -> Int {
        try read(name, .integer(1...16_777_216), of: map)
    }

    private mutating func read<Value>(_ name: String, _ form: ValueForm<Value>, of map: Node) throws(Mismatch)
        -> Value
    {
        guard let node = take(name) else { throw Mismatch(node: map, hint: "\(name) is missing") }
        do throws(Mismatch) { return try form.read(node) } catch {
            throw error.within(".\(name)", wanted: form.wanted)
        }
    }
}
