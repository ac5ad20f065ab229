import Kernels
import Testing

struct FinitenessTests {
    @Test(arguments: [1, 15, 16, 17, 4096, 4097, 10_000])
    func findsTheFirst(count: Int) {
        let slice = FloatArena(count: count).all
        for index in 0..<count {
            slice[index] = index.isMultiple(of: 2) ? .greatestFiniteMagnitude : -.leastNonzeroMagnitude
        }
        #expect(slice.firstNonFinite == nil)
        for bad in [Float.nan, .infinity, -.infinity] {
            for place in Set([0, count / 3, count - 1]) {
                let (good, last) = (slice[place], slice[count - 1])
                slice[count - 1] = .nan
                slice[place] = bad
                #expect(slice.firstNonFinite == place)
                slice[count - 1] = last
                slice[place] = good
            }
        }
        #expect(slice[0..<0].firstNonFinite == nil)
    }
}
