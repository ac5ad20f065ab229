import Checkpoints
import Foundation
import Testing

@Suite struct CheckpointThreadTests {
    private struct Failure: Error, Equatable {}

    @Test func theOwnerGoesOnWhileItWrites() throws {
        let thread = CheckpointThread<Int>()
        let mayEnd = DispatchSemaphore(value: 0)
        #expect(try !thread.isBusy && thread.take() == nil)
        thread.start {
            mayEnd.wait()
            return 7
        }
        #expect(try thread.isBusy && thread.take() == nil)
        mayEnd.signal()
        thread.wait()
        #expect(!thread.isBusy)
        #expect(try thread.take() == 7)
        #expect(try thread.take() == nil)
    }

    @Test func anErrorIsToldOnceAndTheNextIsWritten() throws {
        let thread = CheckpointThread<Int>()
        thread.start { throw Failure() }
        thread.wait()
        #expect(throws: Failure.self) { try thread.take() }
        #expect(try thread.take() == nil)
        thread.start { 8 }
        thread.wait()
        #expect(try thread.take() == 8)
    }
}
