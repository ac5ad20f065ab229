import Checkpoints
import Foundation
import Kernels
import LlamaModel
import Testing

@Suite struct HuggingFaceCheckpointTests {
    /// Writes a model directory: `config.json` of `config`, and these tensors filled with 0, 1, 2… through all of them.
    func makeModel(
        _ directory: String, _ config: LlamaConfig, tensors: [(name: String, shape: [Int])],
        file: String = "model.safetensors"
    ) throws {
        let json = HuggingFaceConfig(model: config, specialTokens: SpecialTokens()).json
        try write(json.text, to: directory + "/config.json")
        let writer = try SafetensorsWriter(directory + "/" + file, tensors: tensors)
        try writer.append(ramp(writer.count))
        _ = try writer.finish()
    }

    func tensors(_ layout: ParameterLayout) -> [(name: String, shape: [Int])] {
        layout.tensors.map { ($0.name, $0.shape) }
    }

    func load(_ directory: String, _ layout: ParameterLayout) throws -> [Float] {
        let parameters = FloatArena(count: layout.count)
        try HuggingFaceCheckpoint(directory: directory).readWeights(layout, into: parameters.all)
        return parameters.all.array
    }

    @Test func readsShardsThatTransformersWrote() throws {
        let source = try HuggingFaceCheckpoint(directory: fixtures + "/sharded")
        let layout = ParameterLayout(source.config.model)
        let parameters = FloatArena(count: layout.count)
        try source.readWeights(layout, into: parameters.all)
        let lines = try String(contentsOfFile: fixtures + "/sharded/sums.txt", encoding: .utf8).split(separator: "\n")
        #expect(lines.count == layout.tensors.count)
        for line in lines {
            let words = line.split(separator: " ")
            let tensor = try #require(layout.tensors.first { $0.name == words[0] })
            let values = parameters.all[tensor.range].array
            #expect(abs(values.reduce(0) { $0 + Double($1) } - Double(words[1])!) < 1e-12, "\(line)")
            #expect(values.last == Float(words[2]), "\(line)")
        }
    }

    @Test(arguments: [false, true])
    func theArenaIsTheBodyOfTheFile(tied: Bool) throws {
        try withTemporaryDirectory { directory in
            let config = oddConfig(tied: tied)
            let layout = ParameterLayout(config)
            try makeModel(directory, config, tensors: tensors(layout))
            #expect(try load(directory, layout) == ramp(layout.count).array)
        }
    }

    @Test func anyPartOfTheArenaCanBeRead() throws {
        try withTemporaryDirectory { directory in
            let layout = ParameterLayout(oddConfig())
            try makeModel(directory, oddConfig(), tensors: tensors(layout))
            let source = try HuggingFaceCheckpoint(directory: directory)
            for shards in [1, 2, 3, 8] {
                for shard in 0..<shards {
                    let part = (layout.count * shard / shards)..<(layout.count * (shard + 1) / shards)
                    let target = FloatArena(count: part.count)
                    try source.readWeights(layout, elements: part, into: target.all)
                    #expect(target.all.array == part.map(Float.init))
                }
            }
        }
    }

    @Test func rotaryFrequenciesAreIgnored() throws {
        try withTemporaryDirectory { directory in
            let layout = ParameterLayout(oddConfig())
            let extra = ("model.layers.0.self_attn.rotary_emb.inv_freq", [2])
            try makeModel(directory, oddConfig(), tensors: tensors(layout) + [extra])
            #expect(try load(directory, layout) == ramp(layout.count).array)
        }
    }

    @Test func aTiedModelFillsAHeadOfItsOwn() throws {
        try withTemporaryDirectory { directory in
            let tied = ParameterLayout(oddConfig(tied: true))
            try makeModel(directory, oddConfig(tied: true), tensors: tensors(tied))
            let untied = ParameterLayout(oddConfig())
            let values = try load(directory, untied)
            #expect(Array(values[untied.head]) == Array(values[untied.embedding]))
            #expect(Array(values[..<tied.count]) == ramp(tied.count).array)
        }
    }

    @Test func aHeadInATiedFileIsIgnoredButInAnUntiedOneItIsNotLost() throws {
        try withTemporaryDirectory { directory in
            let tied = ParameterLayout(oddConfig(tied: true))
            try makeModel(directory, oddConfig(tied: true), tensors: tensors(ParameterLayout(oddConfig())))
            #expect(try load(directory, tied) == ramp(tied.count).array)
            try makeModel(directory, oddConfig(), tensors: tensors(ParameterLayout(oddConfig())))
            #expect(
                failure { _ = try load(directory, tied) }?.description.contains("lm_head.weight has no place") == true)
        }
    }

    @Test func everythingThatDoesNotFitIsListed() throws {
        try withTemporaryDirectory { directory in
            let layout = ParameterLayout(oddConfig())
            var wrong = tensors(layout)
            wrong[0].shape = [9, 13]
            wrong.removeLast()
            wrong.append(("model.layers.0.self_attn.q_proj.bias", [12]))
            try makeModel(directory, oddConfig(), tensors: wrong)
            let refusal = failure { _ = try load(directory, layout) }
            #expect(refusal?.kind == .unsupported)
            let text = refusal?.description ?? "accepted"
            #expect(text.contains("model.embed_tokens.weight has the shape [9, 13], but the model needs [13, 9]"))
            #expect(text.contains("lm_head.weight [13, 9] is missing"))
            #expect(text.contains("q_proj.bias has no place in the model"))
        }
    }

    @Test func longListsAreCutAndCounted() throws {
        try withTemporaryDirectory { directory in
            try makeModel(directory, oddConfig(), tensors: [("other", [1])])
            let layout = ParameterLayout(oddConfig())
            let text = failure { _ = try load(directory, layout) }?.description ?? "accepted"
            #expect(text.split(separator: "\n").count == 10)
            #expect(text.hasSuffix("and \(layout.tensors.count + 1 - 8) more"))
        }
    }

    @Test(arguments: ["../model.safetensors", "/etc/passwd", "..", ".", "", "sub/model.safetensors"])
    func anIndexCannotLeadOutOfTheDirectory(name: String) throws {
        try withTemporaryDirectory { directory in
            let inner = directory + "/inner"
            try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
            let layout = ParameterLayout(oddConfig())
            try makeModel(directory, oddConfig(), tensors: tensors(layout))
            try makeModel(inner, oddConfig(), tensors: tensors(layout), file: "unused.safetensors")
            let map = Dictionary(uniqueKeysWithValues: layout.tensors.map { ($0.name, JSONValue.string(name)) })
            let index: JSONValue = ["metadata": ["total_size": 1], "weight_map": .object(map)]
            try write(index.text, to: inner + "/model.safetensors.index.json")
            let refusal = failure { _ = try load(inner, layout) }
            #expect(refusal?.kind == .damaged && refusal?.description.contains("no plain file name") == true)
        }
    }

    @Test func anIndexThatLiesIsRefused() throws {
        try withTemporaryDirectory { directory in
            for name in try FileManager.default.contentsOfDirectory(atPath: fixtures + "/sharded") {
                try write(bytes(fixtures + "/sharded/" + name), to: directory + "/" + name)
            }
            let index = directory + "/model.safetensors.index.json"
            let text = try String(contentsOfFile: index, encoding: .utf8)
            try write(text.replacing("00002-of", with: "00001-of"), to: index)
            let refusal = failure { _ = try HuggingFaceCheckpoint(directory: directory) }
            #expect(refusal?.kind == .damaged)
            #expect(refusal?.description.contains("is not in model-00001-of-00002.safetensors") == true)
            try write("{}", to: index)
            #expect(failure { _ = try HuggingFaceCheckpoint(directory: directory) }?.kind == .damaged)
        }
    }

    @Test func whatIsMissingIsNamed() throws {
        try withTemporaryDirectory { directory in
            #expect(failure { _ = try HuggingFaceCheckpoint(directory: directory) }?.kind == .fileSystem)
            let json = HuggingFaceConfig(model: oddConfig(), specialTokens: SpecialTokens()).json
            try write(json.text, to: directory + "/config.json")
            try write("", to: directory + "/pytorch_model.bin")
            let refusal = failure { _ = try HuggingFaceCheckpoint(directory: directory) }
            #expect(refusal?.description.contains("save_pretrained") == true)
        }
    }
}
