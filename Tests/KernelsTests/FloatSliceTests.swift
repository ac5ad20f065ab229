import Kernels
import Testing

@Suite struct FloatSliceTests {
    private let ten = slice((0..<10).map { Float($0) })

    @Test func viewsShareTheirArena() {
        let middle = ten[2..<8]
        #expect(middle.array == [2, 3, 4, 5, 6, 7])
        #expect(middle[1..<3].array == [3, 4])
        #expect(middle.rows(1..<3, width: 2).array == [4, 5, 6, 7])
        middle[1..<3][0] = 42
        #expect(ten[3] == 42 && middle[1] == 42)
        #expect(ten[10..<10].array == [])
    }

    @Test func copiesAndFills() {
        let copy = unset(10)
        copy.copy(from: ten)
        #expect(copy.array == ten.array)
        copy[3..<5].fill(-1)
        #expect(copy.array == [0, 1, 2, -1, -1, 5, 6, 7, 8, 9])
        copy[7..<10].copy(from: [1, 2, 3] as [Float])
        #expect(copy[6..<10].array == [6, 1, 2, 3])
        copy[4..<4].copy(from: [Float]())
        copy[4..<4].copy(from: ten[0..<0])
    }

    @Test func bytesAreThoseOfTheView() {
        let view = slice([1, 2, 3])[1..<3]
        view.withUnsafeMutableBytes { bytes in
            #expect(bytes.count == 8)
            #expect(bytes.loadUnaligned(as: Float.self) == 2)
            bytes.storeBytes(of: 9, toByteOffset: 4, as: Float.self)
        }
        #expect(view.array == [2, 9])
    }

    @Test func nothingOutsideIsReached() async {
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 10).all[3..<11] }
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 10).all[-1..<3] }
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 10).all[2..<5][3] }
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 10).all[2..<5][-1] }
        await #expect(processExitsWith: .failure) { FloatArena(count: 10).all[2..<5][3] = 1 }
        await #expect(processExitsWith: .failure) { FloatArena(count: 10).all.copy(from: FloatArena(count: 9).all) }
        await #expect(processExitsWith: .failure) { FloatArena(count: 10).all.copy(from: [1] as [Float]) }
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: 10).all.rows(0..<(.max / 2), width: 3) }
    }
}
