import Objectives
import Testing

@Suite struct JumpRateTests {
    @Test func profileByHand() {
        // Jumps: 0.125 from nothing, up by 0.25, down, up by 0.5.
        #expect(JumpRate.profile([0.125, 0.375, 0.25, 0.75]) == [87.5, 75, 50, 50])
        #expect(JumpRate.profile([0.5, 0.25, 0.125]) == [50, 0, 0])
        #expect(JumpRate.profile([0.25, 0.25]) == [25, 0])
        #expect(JumpRate.profile([1]) == [100])
        #expect(JumpRate.profile([]) == [])
    }

    @Test func aDivergedRunShowsInTheProfile() {
        #expect(JumpRate.profile([0.25, .nan, 0.5])[0].isNaN, "a displacement that is not a number was hidden")
    }

    @Test(arguments: [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (8, 7), (12, 10), (13, 10), (32, 25), (80, 61)])
    func lastQuarterBegins(layers: Int, at layer: Int) {
        #expect(JumpRate.lastQuarter(layers: layers) == layer)
    }
}
