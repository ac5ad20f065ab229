import Foundation
import LlamaModel
import Objectives

/// What `Tests/Fixtures/generate.py` has written.
enum Fixtures {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures")

    /// One gradient fixture: a model, an objective, and the float64 reference's numbers under `name`.
    struct GradientCase: Decodable {
        let name: String
        let model: String
        /// `key=value` as for `--set`.
        let set: [String]

        func setting(_ key: String) -> String? {
            set.first { $0.hasPrefix("objective.\(key)=") }.map { String($0.drop { $0 != "=" }.dropFirst()) }
        }

        var lambda: Double { setting("jreg.lambda").flatMap(Double.init)! }
        var zLoss: Double { setting("z_loss").flatMap(Double.init)! }

        /// The kind of regularizer, nil when λ is 0.
        var kind: JumpRegularizer.Kind? {
            switch setting("jreg.kind") {
            case "weighted": .weighted(alpha: setting("jreg.alpha").flatMap(Double.init)!)
            case "final": .final
            case "jump-rate": .jumpRate(from: setting("jreg.from").flatMap { Int($0) }!)
            default: nil
            }
        }
    }

    /// The keys of `config.json`; rotary settings in the spelling of transformers 4 or 5.
    private struct ModelConfig: Decodable {
        struct Rotary: Decodable {
            let ropeType: String
            let ropeTheta: Double?
            let factor: Double
            let lowFreqFactor: Double?
            let highFreqFactor: Double?
            let originalMaxPositionEmbeddings: Int?
        }

        let hiddenSize: Int
        let intermediateSize: Int
        let numHiddenLayers: Int
        let numAttentionHeads: Int
        let numKeyValueHeads: Int
        let headDim: Int
        let vocabSize: Int
        let rmsNormEps: Double
        let tieWordEmbeddings: Bool
        let ropeTheta: Double?
        let ropeScaling: Rotary?
        let ropeParameters: Rotary?
    }

    static func gradientCases() throws -> [GradientCase] { try decode("gradients/cases.json") }

    static func tokens() throws -> [[Int32]] {
        let file: [String: [[Int32]]] = try decode("tokens.json")
        return file["tokens"]!
    }

    static func config(_ model: String) throws -> LlamaConfig {
        let file: ModelConfig = try decode("models/\(model)/config.json")
        var config = LlamaConfig()
        config.hiddenSize = file.hiddenSize
        config.intermediateSize = file.intermediateSize
        config.numHiddenLayers = file.numHiddenLayers
        config.numAttentionHeads = file.numAttentionHeads
        config.numKeyValueHeads = file.numKeyValueHeads
        config.headDim = file.headDim
        config.vocabSize = file.vocabSize
        config.rmsNormEps = file.rmsNormEps
        config.tieWordEmbeddings = file.tieWordEmbeddings
        let rotary = file.ropeScaling ?? file.ropeParameters
        config.ropeTheta = (file.ropeTheta ?? rotary?.ropeTheta)!
        switch rotary?.ropeType {
        case "linear": config.ropeScaling = .linear(factor: rotary!.factor)
        case "llama3":
            config.ropeScaling = .llama3(
                factor: rotary!.factor, lowFreqFactor: rotary!.lowFreqFactor!, highFreqFactor: rotary!.highFreqFactor!,
                originalMaxPositionEmbeddings: rotary!.originalMaxPositionEmbeddings!)
        default: break
        }
        return config
    }

    /// The tensors of a safetensors file of 32-bit floats: eight bytes of header length, a JSON header, the floats.
    static func tensors(_ path: String) throws -> [String: [Float]] {
        let data = try Data(contentsOf: directory.appending(path: path))
        let headerLength = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let body = data.dropFirst(8 + headerLength)
        let header = try JSONSerialization.jsonObject(with: data[8..<(8 + headerLength)]) as! [String: [String: Any]]
        return header.filter { $0.key != "__metadata__" }.mapValues { entry in
            precondition(entry["dtype"] as! String == "F32")
            let offsets = entry["data_offsets"] as! [Int]
            let bytes = [UInt8](body.dropFirst(offsets[0]).prefix(offsets[1] - offsets[0]))
            return stride(from: 0, to: bytes.count, by: 4).map { index in
                Float(bitPattern: bytes[index..<(index + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) })
            }
        }
    }

    private static func decode<Value: Decodable>(_ path: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Value.self, from: Data(contentsOf: directory.appending(path: path)))
    }
}
