import Objectives
import Testing

@Suite struct LossSumsTests {
    private let sums = LossSums(values: [8, 16, 4, 2, 1, 4])

    @Test func valuesAreAFlatListAndBack() {
        #expect(sums.tokens == 8 && sums.crossEntropy == 16 && sums.zLoss == 4 && sums.regularizer == 2)
        #expect(sums.displacements == [1, 4])
        #expect(sums.values == [8, 16, 4, 2, 1, 4])
        #expect(LossSums(layers: 3).values == [0, 0, 0, 0, 0, 0, 0])
        #expect(LossSums(values: LossSums(layers: 3).values) == LossSums(layers: 3))
    }

    @Test func sumsAddUp() {
        var total = LossSums(layers: 2)
        total += sums
        #expect(total == sums)
        total += LossSums(values: [1, 2, 3, 4, 5, 6])
        #expect(total.values == [9, 18, 7, 6, 6, 10])
    }

    @Test func meansAreTakenOverTheTokens() {
        let means = LossMeans(sums, lambda: 3, zLoss: 0.5)
        #expect(means.crossEntropy == 2)
        #expect(means.regularizer == 0.25)
        #expect(means.total == 2 + 3 * 0.25 + 0.5 * 0.5)
        #expect(means.displacements == [0.125, 0.5])
        #expect(means.jumpRates == [50, 37.5])
        #expect(LossMeans(sums, lambda: 0, zLoss: 0).total == 2)
    }
}
