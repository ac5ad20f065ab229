import Corpus
import Foundation
import Testing

@Suite struct ValidationSplitTests {
    let preparations = PreparationTests()

    func split(_ texts: [String], fraction: Double) throws -> (train: [String], validation: [String], notes: [String]) {
        let input = try preparations.jsonLines(texts)
        let outcome = try preparations.prepare([input]) {
            $0.validationFraction = fraction
            $0.overwrite = true
        }
        return (try preparations.documents(.train), try preparations.documents(.validation), outcome.notes)
    }

    @Test func moreTextMovesNothing() throws {
        let texts = (0..<400).map { "text number \($0)" }
        let before = try split(Array(texts[100..<300]), fraction: 0.2)
        let after = try split(texts.reversed(), fraction: 0.2)
        #expect(Set(after.validation).isSuperset(of: before.validation))
        #expect(Set(after.train).isSuperset(of: before.train))
    }

    @Test func copiesLandOnOneSide() throws {
        let texts = (0..<200).map { "text number \($0 % 50)" }
        let (train, validation, _) = try split(texts, fraction: 0.3)
        #expect(!validation.isEmpty && Set(train).isDisjoint(with: validation))
    }

    @Test(arguments: [1e-9, 0.5, 0.999_999_999]) func bothSidesHaveADocument(fraction: Double) throws {
        for count in [2, 3, 10] {
            let (train, validation, _) = try split((0..<count).map { "text \($0)" }, fraction: fraction)
            #expect(!train.isEmpty && !validation.isEmpty && train.count + validation.count == count)
        }
        // Also when nothing tells the documents apart.
        let (train, validation, _) = try split(["same", "same"], fraction: fraction)
        #expect(train == ["same"] && validation == ["same"])
    }

    @Test func aSingleDocumentIsCutAtALine() throws {
        let text = (0..<100).map { "line \($0)\n" }.joined()
        let (train, validation, notes) = try split([text], fraction: 0.1)
        #expect(train.joined() + validation.joined() == text)
        #expect(train.count == 1 && train[0].hasSuffix("\n"))
        #expect((validation.joined().split(separator: "\n").count - 10).magnitude <= 1)
        #expect(notes.contains { $0.contains("one document") })
        let words = try split(["just four short words"], fraction: 0.1)
        #expect(words.train == ["just four short "] && words.validation == ["words"])
        #expect(errorText { try split(["word"], fraction: 0.1) }.contains("too short"))
    }

    @Test func noneIsHeldOutWhenNoneIsWanted() throws {
        let (train, validation, _) = try split(["one", "two"], fraction: 0)
        #expect(train == ["one", "two"] && validation.isEmpty)
        let error = errorText {
            try TokenDataset(
                paths: [preparations.directory.path + "/out"], split: .validation, sequenceLength: 1,
                vocabularySize: 257)
        }
        #expect(error.contains("validation") && error.contains("--val-fraction"))
        for fraction in [1, -0.1, .nan, .infinity] {
            #expect(errorText { try split(["one", "two"], fraction: fraction) }.contains("fraction"))
        }
    }
}
