import Collectives
import Testing

@Suite struct BFloat16Tests {
    private func rounded(_ value: Float) -> Float {
        var values = [value]
        BFloat16.round(&values, count: 1)
        return values[0]
    }

    @Test func whatFitsStaysAsItIs() {
        for value in [0, -0.0, 1, -1.5, 0x1.FEp127, 0x1p-126, 0x1.FEp10, .infinity, -.infinity] as [Float] {
            #expect(rounded(value).bitPattern == value.bitPattern)
        }
    }

    @Test func roundsToTheNearestAndTiesToTheEven() {
        // Neighbours of 1 are 2⁻⁷ apart.
        #expect(rounded(1 + 0x1p-9) == 1)
        #expect(rounded(1 + 0x1.8p-8) == 1 + 0x1p-7)
        #expect(rounded(1 + 0x1p-8) == 1)
        #expect(rounded(1 + 0x1.8p-7) == 1 + 0x1p-6)
        #expect(rounded(-1 - 0x1.8p-8) == -1 - 0x1p-7)
        #expect(rounded(.greatestFiniteMagnitude) == .infinity)
    }

    @Test func noNaNBecomesANumber() {
        for bits: UInt32 in [0x7FC0_0000, 0x7F80_0001, 0xFFFF_FFFF, 0xFF80_8000] {
            #expect(rounded(Float(bitPattern: bits)).isNaN)
        }
    }

    @Test func theWayThereAndBackRounds() {
        let values = (0..<1000).map { Float($0) * 0.37 - 150 }
        var halves = [UInt16](repeating: 0, count: values.count)
        var back = [Float](repeating: .nan, count: values.count)
        BFloat16.encode(values, count: values.count, into: &halves)
        BFloat16.decode(halves, count: values.count, into: &back)
        #expect(back == values.map(rounded))
        #expect(zip(values, back).allSatisfy { abs($0 - $1) <= abs($0) / 256 })
    }
}
