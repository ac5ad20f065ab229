import Corpus
import Foundation
import Testing

@Suite struct PreparationTests {
    let directory = try! TemporaryDirectory()

    @discardableResult
    func prepare(
        _ inputs: [String], to output: String = "out", tokenizer: CorpusPreparation.TokenizerChoice = .bytes,
        _ change: (inout CorpusPreparation) -> Void = { _ in }
    ) throws -> CorpusPreparation.Outcome {
        var preparation = CorpusPreparation(
            inputs: inputs, output: directory.path + "/" + output, tokenizer: tokenizer)
        change(&preparation)
        return try preparation.run()
    }

    /// The documents of a split of a byte dataset, from the bytes of its shards.
    func documents(_ split: DatasetSplit, of output: String = "out") throws -> [String] {
        let dataset = try DatasetDescription.read(inDirectory: directory.path + "/" + output)
        var documents: [[UInt8]] = []
        for shard in dataset[split].shards {
            let bytes = try directory.bytes(output + "/" + shard.file)
            for index in stride(from: 1024, to: bytes.count, by: 2) {
                if bytes[index + 1] == 1 {
                    documents.append([])
                } else {
                    documents[documents.count - 1].append(bytes[index])
                }
            }
        }
        return documents.map { String(decoding: $0, as: UTF8.self) }
    }

    func jsonLines(_ texts: [String], to name: String = "in.jsonl") throws -> String {
        let lines = try texts.map { String(decoding: try JSONEncoder().encode(["text": $0]), as: UTF8.self) }
        return try directory.write(lines.joined(separator: "\n"), to: name)
    }

    @Test func everyLineIsADocumentAndNoneIsLost() throws {
        let texts = (0..<300).map { "document \($0)\nwith é and \"quotes\"" }
        let outcome = try prepare([try jsonLines(texts)]) { $0.validationFraction = 0.1 }
        let (train, validation) = (try documents(.train), try documents(.validation))
        #expect(Set(train + validation) == Set(texts) && train.count + validation.count == 300)
        // In the order of the input.
        #expect(train == texts.filter { Set(train).contains($0) })
        // 30 expected, with a standard deviation of 5.2.
        #expect((10...55).contains(validation.count))

        let dataset = outcome.dataset
        #expect(dataset.train.documents == train.count && dataset.validation.documents == validation.count)
        #expect(dataset.train.textBytes == train.reduce(0) { $0 + $1.utf8.count })
        #expect(dataset.train.tokens == dataset.train.textBytes + train.count)
        #expect(dataset.separator == 256 && dataset.vocabularySize == 257 && dataset.endOfText == nil)
    }

    @Test func longPlainTextIsCutAtBlankLines() throws {
        let text = madeUpText(bytes: 700_000, seed: 1)
        try prepare([try directory.write(text, to: "book.txt")]) { $0.validationFraction = 0 }
        let documents = try documents(.train)
        #expect(documents.joined() == text)
        #expect(documents.count > 10)
        for document in documents.dropLast() {
            #expect(document.hasSuffix("\n\n") && (16 << 10...64 << 10).contains(document.utf8.count))
        }
    }

    @Test func textWithoutLinesIsCutBetweenCharacters() throws {
        let text = String(repeating: "漢", count: 50_000)
        try prepare([try directory.write(text, to: "one-line.txt")]) { $0.validationFraction = 0 }
        let documents = try documents(.train)
        #expect(documents.count == 3 && documents.joined() == text)
        #expect(documents.allSatisfy { $0.utf8.count <= 64 << 10 && !$0.contains("\u{fffd}") })
    }

    @Test func tokensAndYardsticksAreWhatTheyAreSaidToBe() throws {
        let outcome = try prepare([try jsonLines(["aaab", "ab", "b"])]) { $0.validationFraction = 0.3 }
        let validation = try documents(.validation)
        let train = try documents(.train)
        func counts(_ documents: [String]) -> [UInt8?: Double] {
            documents.flatMap { [nil] + $0.utf8.map { $0 } }.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        let (own, reference) = (counts(validation), counts(train))
        let total = reference.values.reduce(0, +) + 257
        let nats =
            own.reduce(0) { $0 - $1.value * log(((reference[$1.key] ?? 0) + 1) / total) } / own.values.reduce(0, +)
        #expect(abs((outcome.dataset.validation.unigramEntropy ?? 0) - nats) < 1e-12)
        let data = try TokenDataset(
            paths: [directory.path + "/out"], split: .validation, sequenceLength: 1, vocabularySize: 257)
        #expect(data.unigramEntropy == outcome.dataset.validation.unigramEntropy)
        #expect(data.fingerprint == outcome.dataset.validation.fingerprint)
        #expect(data.bytesPerToken == outcome.dataset.validation.bytesPerToken)
        #expect(data.separator == 256 && data.window(0)[0] == 256)
    }

    @Test func theSameInputGivesTheSameBytes() throws {
        let input = try directory.write(madeUpText(bytes: 300_000, seed: 5), to: "in.txt")
        let first = try prepare([input], to: "a", tokenizer: .trainBPE(350))
        let second = try prepare([input], to: "b", tokenizer: .trainBPE(350))
        #expect(first.dataset == second.dataset)
        for name in try directory.names("a") {
            #expect(try directory.bytes("a/" + name) == directory.bytes("b/" + name), "\(name)")
        }
        #expect(
            try directory.names("a") == [
                "dataset.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "train_000000.bin",
                "val_000000.bin",
            ])
    }

    @Test func documentsKeepBeginAndEndOfSentencePiece() throws {
        let text = madeUpText(bytes: 100_000, seed: 6)
        let outcome = try prepare([try directory.write(text, to: "in.txt")], tokenizer: .trainBPE(350))
        #expect(outcome.dataset.separator == 1 && outcome.dataset.endOfText == 2)
        let path = directory.path + "/out"
        let data = try TokenDataset(paths: [path], split: .train, sequenceLength: 8, vocabularySize: 350)
        let tokens = data.window(0) + (1..<data.windowCount).flatMap { data.window($0).dropFirst() }
        #expect(tokens[0] == 1)
        for (left, right) in zip(tokens, tokens.dropFirst()) { #expect((left == 2) == (right == 1)) }
        #expect(text.contains(try loadTokenizer(inDirectory: path).decode(Array(tokens.prefix(50)))))
        // The file of one shard knows its dataset too.
        let shard = try TokenDataset(
            paths: [path + "/train_*.bin"], split: .train, sequenceLength: 8, vocabularySize: 350)
        #expect(shard.separator == 1 && shard.bytesPerToken == data.bytesPerToken && shard.unigramEntropy != nil)
    }

    @Test func shardsHoldWholeDocumentsUpToTheirSize() throws {
        let texts =
            (0..<100).map { String(repeating: "x", count: $0) + "\($0)" } + [String(repeating: "y", count: 2000)]
        let outcome = try prepare([try jsonLines(texts)]) {
            $0.shardTokens = 1000
            $0.validationFraction = 0
        }
        let shards = outcome.dataset.train.shards
        #expect(shards.count > 5)
        #expect(shards.allSatisfy { $0.tokens <= 1000 || $0.documents == 1 })
        #expect(shards.map(\.file) == (0..<shards.count).map { String(format: "train_%06d.bin", $0) })
        #expect(try documents(.train) == texts)
        for shard in shards {
            #expect(try directory.bytes("out/" + shard.file).count == 1024 + 2 * shard.tokens)
        }
    }

    @Test func aFinishedDatasetIsNotReplacedUnasked() throws {
        let old = try jsonLines(["old one", "old two"], to: "old.jsonl")
        let new = try jsonLines(["new one", "new two"], to: "new.jsonl")
        let before = try prepare([old]) { $0.shardTokens = 10 }.dataset
        #expect(errorText { try prepare([new]) }.contains("--overwrite"))

        // A replacement that fails leaves the old one whole.
        let broken = try directory.write("{\"text\": \"fine\"}\n{\"text\": 1}", to: "broken.jsonl")
        #expect(errorText { try prepare([broken]) { $0.overwrite = true } }.contains("line 2"))
        #expect(try DatasetDescription.read(inDirectory: directory.path + "/out") == before)
        #expect(try documents(.train).allSatisfy { $0.hasPrefix("old") })

        try prepare([new]) { $0.overwrite = true }
        #expect(try documents(.train).allSatisfy { $0.hasPrefix("new") })
        #expect(try directory.names("out").filter { $0.hasSuffix(".bin") } == ["train_000000.bin", "val_000000.bin"])
    }

    @Test func leftoversOfAKilledRun() throws {
        try directory.write("half", to: "out/train_000007.bin.partial")
        let input = try jsonLines(["one", "two"])
        try prepare([input])
        #expect(try directory.names("out").allSatisfy { !$0.hasSuffix(".partial") })
        try FileManager.default.removeItem(atPath: directory.path + "/out/dataset.json")
        #expect(errorText { try prepare([input]) }.contains("no dataset.json"))
        try prepare([input]) { $0.overwrite = true }
    }

    @Test func aShardThatIsNotTheListedOneIsRefused() throws {
        try prepare([try jsonLines(["one", "two", "three"])])
        var bytes = try directory.bytes("out/train_000000.bin")
        bytes[bytes.count - 2] ^= 1
        try directory.write(bytes, to: "out/train_000000.bin")
        let error = errorText {
            try TokenDataset(paths: [directory.path + "/out"], split: .train, sequenceLength: 1, vocabularySize: 257)
        }
        #expect(error.contains("train_000000.bin") && error.contains("hash"))
    }

    @Test func progressGrowsToTheWhole() throws {
        let input = try directory.write(madeUpText(bytes: 9 << 20, seed: 8), to: "in.txt")
        let preparation = CorpusPreparation(inputs: [input], output: directory.path + "/out", tokenizer: .bytes)
        var reports: [CorpusPreparation.Progress] = []
        let outcome = try preparation.run { reports.append($0) }
        let last = try #require(reports.last)
        #expect(Set(reports.map(\.phase)) == [.reading, .encoding] && reports.count >= 5)
        #expect(last.phase == .encoding && last.bytes == last.totalBytes)
        #expect(last.tokens == outcome.dataset.train.tokens + outcome.dataset.validation.tokens)
        #expect(zip(reports, reports.dropFirst()).allSatisfy { $0.phase != $1.phase || $0.bytes <= $1.bytes })
    }
}
