/// The fused multiply-adds that the machine can do, the limit that MFU is taken against.
public enum PeakRate {
    /// FLOP per second of a team whose threads all do independent multiply-adds held in registers: the median of rounds
    /// of 10 ms, because a clock that boosts for a moment is no limit that a step could reach.
    public static func measure(on team: ThreadTeam, seconds: Double = 0.2) -> Double {
        var rounds: [Double] = []
        let end = monotonicSeconds() + seconds
        repeat {
            let start = monotonicSeconds()
            let count = team.size
            team.forEachTask(count) { _, _ in multiplyAdds(rounds: operationsPerRound) }
            rounds.append(Double(count * operationsPerRound * chains) * 16 * 2 / (monotonicSeconds() - start))
        } while monotonicSeconds() < end
        return rounds.sorted()[rounds.count / 2]
    }

    /// Some 10 ms, which the start and the end of a team's work are nothing against.
    private static let operationsPerRound = 40_000_000 / chains

    /// Enough chains to cover the latency of two units, and no more than there are registers for.
    @inline(never) private static func multiplyAdds(rounds: Int) {
        var a = Chains()
        #if AVX512
            var (b, c, d) = (Chains(), Chains(), Chains())
        #endif
        for _ in 0..<rounds {
            a.step()
            #if AVX512
                b.step()
                c.step()
                d.step()
            #endif
        }
        var sum = a.sum
        #if AVX512
            sum += b.sum + c.sum + d.sum
        #endif
        // Never true, but the compiler cannot know, and so has to keep the loop.
        if sum < 0 { fatalError("a sum of positive numbers is negative") }
    }

    #if AVX512
        private static let chains = 24
    #else
        private static let chains = 6
    #endif

    private struct Chains {
        private var (a, b, c) = (Lanes.zero, Lanes.zero, Lanes.zero)
        private var (d, e, f) = (Lanes.zero, Lanes.zero, Lanes.zero)

        @inline(__always) mutating func step() {
            let (x, y) = (Lanes(repeating: 0.999), Lanes(repeating: 0.001))
            a = y.addingProduct(a, x)
            b = y.addingProduct(b, x)
            c = y.addingProduct(c, x)
            d = y.addingProduct(d, x)
            e = y.addingProduct(e, x)
            f = y.addingProduct(f, x)
        }

        @inline(__always) var sum: Float { ((a + b) + (c + d) + (e + f))[0] }
    }
}
