import Optimization
import Testing

@Suite struct ParameterGroupsTests {
    typealias Part = ParameterGroups.Part

    /// Embedding, norm, two matrices without a gap, norm.
    let groups = ParameterGroups(matrices: [0..<10, 13..<20, 20..<29], count: 32)

    @Test func neighboursOfOneKindAreOnePart() {
        #expect(
            groups.parts == [
                Part(range: 0..<10, decays: true), Part(range: 10..<13, decays: false),
                Part(range: 13..<29, decays: true), Part(range: 29..<32, decays: false),
            ])
    }

    @Test func everyRangeIsCoveredOnceAndAsElementByElement() {
        let decays = (0..<32).map { index in groups.parts.first { $0.range.contains(index) }!.decays }
        for lower in 0...32 {
            for upper in lower...32 {
                let parts = groups.parts(of: lower..<upper)
                #expect(parts.flatMap { Array($0.range) } == Array(lower..<upper))
                #expect(parts.allSatisfy { part in part.range.allSatisfy { decays[$0] == part.decays } })
            }
        }
    }

    @Test func withoutMatricesNothingDecays() {
        #expect(ParameterGroups(matrices: [], count: 5).parts == [Part(range: 0..<5, decays: false)])
        #expect(ParameterGroups(matrices: [0..<0], count: 0).parts.isEmpty)
    }
}
