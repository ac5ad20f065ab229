import Kernels
import Testing

@Suite struct FloatArenaTests {
    @Test(arguments: [0, 1, 1023, 1024, 1025, 600_000]) func beginsAsZeros(count: Int) {
        let arena = FloatArena(count: count)
        #expect(arena.count == count)
        #expect(arena.all.array.bits == [Float](repeating: 0, count: count).bits)
    }

    @Test func isAlignedToAPage() {
        for count in [1, 5000, 3_000_000] {
            let address = FloatArena(count: count).all.withUnsafeMutableBytes { Int(bitPattern: $0.baseAddress) }
            #expect(address % 4096 == 0)
        }
    }

    @Test func takesMemoryOnlyForWhatIsTouched() {
        // 256 GiB, many times what the machine has; only two pages of it are ever used.
        let arena = FloatArena(count: 1 << 36)
        arena.all[(1 << 36) - 1] = 3
        #expect(arena.all[(1 << 36) - 1] == 3 && arena.all[0] == 0)
    }

    @Test func aViewKeepsItsArenaAlive() {
        func makeView() -> FloatSlice { FloatArena(count: 100).all[10..<20] }
        let view = makeView()
        view.fill(7)
        _ = FloatArena(count: 100)
        #expect(view.array == [Float](repeating: 7, count: 10))
    }

    @Test func borrowedMemoryStaysWithItsOwner() {
        final class Owner {
            let memory = UnsafeMutablePointer<Float>.allocate(capacity: 3)
            let freed: () -> Void
            init(freed: @escaping () -> Void) {
                self.freed = freed
                memory.initialize(repeating: 5, count: 3)
            }
            deinit {
                memory.deallocate()
                freed()
            }
        }
        var isFreed = false
        var view: FloatSlice?
        do {
            let owner = Owner { isFreed = true }
            view = FloatArena(borrowing: owner.memory, count: 3, owner: owner).all
        }
        #expect(view?.array == [5, 5, 5])
        #expect(!isFreed, "the memory was freed under a view")
        view = nil
        #expect(isFreed)
    }

    @Test func negativeSizesAreRefused() async {
        await #expect(processExitsWith: .failure) { _ = FloatArena(count: -1) }
    }
}
