import Checkpoints
import Foundation
import Kernels
import LlamaModel
import Testing

/// What kills, faulty disks and people leave behind, and what is made of it.
@Suite struct CheckpointRecoveryTests {
    /// A store with the checkpoints of these steps.
    func withStore(_ saved: [Int], keep: Int = 2, _ body: (CheckpointStore) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: keep)
            for step in saved { try save(store, step: step) }
            try body(store)
        }
    }

    func path(_ store: CheckpointStore, _ step: Int) -> String { store.directory + "/step-0000000\(step)" }

    // MARK: - Damage

    @Test(arguments: checkpointFiles)
    func damageToAnyFileMakesThePreviousOneTaken(name: String) throws {
        try withStore([1, 2]) { store in
            let file = path(store, 2) + "/" + name
            let sound = try bytes(file)
            var damages: [[UInt8]?] = [nil, [], Array(sound.dropLast()), sound + [0]]
            for position in [0, sound.count / 2, sound.count - 1] {
                for bit in [0, 5] {
                    var flipped = sound
                    flipped[position] ^= 1 << bit
                    damages.append(flipped)
                }
            }
            for damage in damages {
                if let damage { try write(damage, to: file) } else { try FileManager.default.removeItem(atPath: file) }
                let recovery = try store.newestUsable()
                #expect(recovery.found?.state.step == 1)
                #expect(recovery.skipped.map(\.path) == [path(store, 2)])
                #expect(recovery.skipped.first?.reason.contains(name) == true, "\(recovery.skipped)")
            }
            try write(sound, to: file)
            #expect(try store.newestUsable().found?.state.step == 2)
        }
    }

    @Test func damageToAllIsToldOfEach() throws {
        try withStore([1, 2]) { store in
            for step in 1...2 { try write("x", to: path(store, step) + "/config.json") }
            let recovery = try store.newestUsable()
            #expect(recovery.found == nil)
            #expect(recovery.skipped.map(\.path) == [path(store, 2), path(store, 1)])
        }
    }

    @Test func anEmptyOrAbsentStoreHasNothingUsable() throws {
        try withTemporaryDirectory { directory in
            for place in [directory, directory + "/absent"] {
                let recovery = try CheckpointStore(directory: place, keep: 2).newestUsable()
                #expect(recovery.found == nil && recovery.skipped.isEmpty)
            }
        }
    }

    @Test func aDamagedCheckpointDoesNotPushOutASoundOne() throws {
        try withStore([1, 2, 3]) { store in
            try write("x", to: path(store, 3) + "/config.json")
            #expect(try store.newestUsable().found?.state.step == 2)
            // Taken up from 2, the run saves in between: 3 is later and stays, but does not count.
            try save(store, step: 2)
            #expect(try steps(store) == [2, 3])
            try save(store, step: 4)
            #expect(try steps(store) == [2, 4])
        }
    }

    @Test func laterCheckpointsOfARunThatWasTakenUpFurtherBackStay() throws {
        try withStore([2, 8, 9]) { store in
            for step in 3...5 { try save(store, step: step) }
            #expect(try steps(store) == [4, 5, 8, 9])
        }
    }

    @Test func whatTheCallerDoesNotAcceptIsSkippedWithItsReason() throws {
        try withStore([1, 2]) { store in
            let recovery = try store.newestUsable { $0.step == 2 ? "it is of another architecture" : nil }
            #expect(recovery.found?.state.step == 1)
            #expect(recovery.skipped.map(\.reason) == ["it is of another architecture"])
            // It is sound all the same, and counts as kept.
            try save(store, step: 3)
            #expect(try steps(store) == [2, 3])
        }
    }

    @Test func aCopyUnderAnotherStepIsNotedAndSkipped() throws {
        try withStore([1, 2]) { store in
            try FileManager.default.copyItem(atPath: path(store, 1), toPath: path(store, 5))
            let recovery = try store.newestUsable()
            #expect(recovery.found?.state.step == 2)
            #expect(recovery.skipped.first?.reason.contains("holds step 1") == true)
        }
    }

    @Test func aLaterFormatIsNamed() throws {
        try withStore([1]) { store in
            var state = trainerState(step: 2)
            state.formatVersion = 3
            _ = try store.save(state, expectedBytes: 0) { try addFiles($0, step: 2) }
            let recovery = try store.newestUsable()
            #expect(recovery.found?.state.step == 1)
            #expect(recovery.skipped.first?.reason.contains("is of format 3") == true)
            #expect(failure { _ = try Checkpoint(path: path(store, 2)) }?.kind == .unsupported)
        }
    }

    /// Nor does it keep what is before it from being completed.
    @Test func aLaterFormatWithoutMarkerIsNamed() throws {
        try withStore([1]) { store in
            var state = trainerState(step: 2)
            state.formatVersion = 3
            _ = try store.save(state, expectedBytes: 0) { try addFiles($0, step: 2) }
            for step in 1...2 { try FileManager.default.removeItem(atPath: path(store, step) + "/COMPLETE") }
            let recovery = try store.newestUsable()
            #expect(recovery.found?.state.step == 1)
            #expect(recovery.skipped.map(\.path) == [path(store, 2)])
        }
    }

    /// Checkpoints from before there was a history have none, and those of a run without bad steps are still like that.
    @Test func theHistoryOfSkippedSteps() throws {
        try withStore([1]) { store in
            #expect(
                try String(contentsOfFile: path(store, 1) + "/trainer.json", encoding: .utf8).contains("history")
                    == false)
            #expect(try Checkpoint(verifying: path(store, 1)).state.formatVersion == 1)
            var history = StepHistory()
            (history.skipped, history.skippedInRow, history.losses) = (
                2, 1, [0.1 + 0.2, .leastNormalMagnitude, 3, -0.0]
            )
            var state = trainerState(step: 4, history: history)
            _ = try store.save(state, expectedBytes: 0) { try addFiles($0, step: 4) }
            let found = try Checkpoint(verifying: path(store, 4)).state
            #expect(found == state && found.formatVersion == 2)
            #expect(found.history?.losses.map(\.bitPattern) == history.losses.map(\.bitPattern))

            for (skipped, inRow, losses) in [(6, 1, 0), (2, 3, 0), (-1, 0, 0), (2, -1, 0), (0, 0, 6)] {
                state.step = 5
                state.history?.skipped = skipped
                state.history?.skippedInRow = inRow
                state.history?.losses = [Double](repeating: 1, count: losses)
                _ = try store.save(state, expectedBytes: 0) { try addFiles($0, step: 5) }
                #expect(failure { _ = try Checkpoint(path: path(store, 5)) }?.kind == .damaged)
                try FileManager.default.removeItem(atPath: path(store, 5))
            }
        }
    }

    // MARK: - Kills

    @Test(arguments: [7, ProcessInfo.processInfo.processIdentifier])
    func killedWhileItWrote(process: Int32) throws {
        try withStore([1]) { store in
            let unfinished = path(store, 2) + ".tmp-\(process)"
            try FileManager.default.copyItem(atPath: path(store, 1), toPath: unfinished)
            try FileManager.default.removeItem(atPath: unfinished + "/COMPLETE")
            try write("half of it", to: unfinished + "/model.safetensors")
            let recovery = try store.newestUsable()
            #expect(recovery.found?.state.step == 1 && recovery.skipped.isEmpty)
            try save(store, step: 2)
            #expect(try names(store.directory) == ["step-00000001", "step-00000002"])
            try expectWhole(path(store, 2), step: 2)
        }
    }

    /// Renamed without a marker, or with one that never got its bytes.
    @Test(arguments: [false, true], [2, 3])
    func killedBeforeTheMarkerWasWhole(hasEmptyMarker: Bool, nextStep: Int) throws {
        try withStore([1, 2]) { store in
            let marker = path(store, 2) + "/COMPLETE"
            try FileManager.default.removeItem(atPath: marker)
            if hasEmptyMarker { try write("", to: marker) }
            #expect(try steps(store) == [1])
            let recovery = try store.newestUsable()
            #expect(recovery.found?.state.step == 1)
            #expect(recovery.skipped.map(\.path) == [path(store, 2)])
            #expect(recovery.skipped.first?.reason.contains("COMPLETE") == true)
            try save(store, step: nextStep)
            #expect(try names(store.directory) == ["step-00000001", "step-0000000\(nextStep)"])
            try expectWhole(path(store, nextStep), step: nextStep)
            try expectWhole(path(store, 1), step: 1)
        }
    }

    /// The first save of a run, whole but for its marker, is completed; with another file damaged it is told of, and left.
    @Test(arguments: [false, true], [nil] + checkpointFiles.dropFirst().map(Optional.some))
    func killedBeforeTheFirstMarkerWasWhole(hasEmptyMarker: Bool, damaged: String?) throws {
        try withStore([1]) { store in
            let marker = path(store, 1) + "/COMPLETE"
            try FileManager.default.removeItem(atPath: marker)
            if hasEmptyMarker { try write("", to: marker) }
            if let damaged { try write("x", to: path(store, 1) + "/" + damaged) }
            let before = try names(path(store, 1))
            let recovery = try store.newestUsable()
            #expect(recovery.found?.state.step == (damaged == nil ? 1 : nil))
            #expect(recovery.skipped.map(\.path) == (damaged == nil ? [] : [path(store, 1)]))
            if damaged == nil { try expectWhole(path(store, 1), step: 1) }
            #expect(try names(path(store, 1)) == (damaged == nil ? checkpointFiles : before))
        }
    }

    /// A deletion ended after so many of its removals: the marker first, the list of files last.
    @Test(arguments: 1...checkpointFiles.count)
    func killedWhileItDeleted(removals: Int) throws {
        try withStore([1, 2, 3], keep: 3) { store in
            let order =
                ["COMPLETE"] + checkpointFiles.filter { !["COMPLETE", "checksums.json"].contains($0) } + [
                    "checksums.json"
                ]
            for name in order[..<removals] { try FileManager.default.removeItem(atPath: path(store, 1) + "/" + name) }
            #expect(try steps(store) == [2, 3])
            #expect(try store.newestUsable().found?.state.step == 3)
            try save(store, step: 4)
            #expect(try names(store.directory) == ["step-00000002", "step-00000003", "step-00000004"])
        }
    }

    @Test func anUnfinishedCheckpointThatIsNewestIsNotDeletedByItself() throws {
        try withStore([2, 3]) { store in
            try FileManager.default.removeItem(atPath: path(store, 3) + "/COMPLETE")
            // Saving something older gives no ground to delete what may be worth a look.
            try save(store, step: 1)
            #expect(try names(path(store, 3)).count == checkpointFiles.count - 1)
        }
    }
}
