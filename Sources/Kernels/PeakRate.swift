import Glibc

/// The fused multiply-adds that the machine can do, the limit that MFU is taken against.
public enum PeakRate {
    /// FLOP per second of one core in `seconds` of independent multiply-adds held in registers; the best of several
    /// rounds, because a shared machine can only make one slower.
    public static func measureOneCore(seconds: Double = 0.02) -> Double {
        var best = 0.0
        let end = now() + seconds
        repeat {
            let start = now()
            let operations = multiplyAdds(rounds: 20_000)
            best = max(best, operations / (now() - start))
        } while now() < end
        return best
    }

    private static func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Twelve chains cover the latency of two units; returns the floating-point operations done.
    @inline(never) private static func multiplyAdds(rounds: Int) -> Double {
        var (a, b, c, d, e, f) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        var (g, h, i, j, k, l) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
        let (x, y) = (Lanes(repeating: 0.999), Lanes(repeating: 0.001))
        for _ in 0..<rounds {
            a = y.addingProduct(a, x)
            b = y.addingProduct(b, x)
            c = y.addingProduct(c, x)
            d = y.addingProduct(d, x)
            e = y.addingProduct(e, x)
            f = y.addingProduct(f, x)
            g = y.addingProduct(g, x)
            h = y.addingProduct(h, x)
            i = y.addingProduct(i, x)
            j = y.addingProduct(j, x)
            k = y.addingProduct(k, x)
            l = y.addingProduct(l, x)
        }
        let sum = ((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l))
        // The comparison keeps the loop from being optimised away: the sum is about 12.
        return sum[0] < 0 ? 0 : Double(rounds) * 12 * 16 * 2
    }
}
