import LlamaModel
import Testing

@Suite struct TokenBatchTests {
    @Test func eachTokenPredictsTheNext() {
        let batch = TokenBatch(windows: [[1, 2, 3, 4], [5, 6, 7, 8]])
        #expect(batch.sequences == 2 && batch.length == 3 && batch.tokenCount == 6)
        #expect(batch.inputs == [1, 2, 3, 5, 6, 7])
        #expect(batch.targets == [2, 3, 4, 6, 7, 8])
        #expect(batch.documentStarts == nil)
    }

    @Test func documentStartsAreThoseOfTheInputs() {
        let batch = TokenBatch(windows: [[1, 2, 3, 4], [5, 6, 7, 8]]) { inputs in
            #expect(inputs.count == 3)
            return inputs.map { $0 * 10 }
        }
        #expect(batch.documentStarts == [10, 20, 30, 50, 60, 70])
    }

    @Test func windowsThatMakeNoBatchAreRefused() async {
        await #expect(processExitsWith: .failure) { _ = TokenBatch(windows: []) }
        await #expect(processExitsWith: .failure) { _ = TokenBatch(windows: [[1]]) }
        await #expect(processExitsWith: .failure) { _ = TokenBatch(windows: [[1, 2, 3], [1, 2]]) }
    }
}
