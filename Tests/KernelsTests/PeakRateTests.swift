import Kernels
import Testing

@Suite struct PeakRateTests {
    @Test func isThatOfACore() {
        let rate = PeakRate.measure(on: ThreadTeam(size: 2), seconds: 0.005)
        // From a busy emulator up to far beyond any core of today: a loop that was optimised away would be infinite.
        #expect(rate > 1e7 && rate < 1e13, "\(rate) FLOP/s")
    }
}
