import Checkpoints
import Foundation
import Kernels
import LlamaModel
import Testing

@Suite struct CheckpointStoreTests {
    // MARK: - Saving and reading back

    @Test func whatIsSavedIsReadBack() throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory + "/made/on/demand", keep: 2)
            let path = try save(store, step: 100)
            #expect(path == store.directory + "/step-00000100")
            #expect(try names(path) == checkpointFiles)
            #expect(try names(store.directory) == ["step-00000100"])
            try expectWhole(path, step: 100)

            let recovery = try store.newestUsable()
            #expect(recovery.found?.path == path && recovery.skipped.isEmpty)
        }
    }

    @Test(arguments: [1, 2, 3, 8])
    func everyShardOfTheMomentsCanBeReadAlone(shards: Int) throws {
        try withTemporaryDirectory { directory in
            let path = try save(CheckpointStore(directory: directory, keep: 2), step: 7)
            let checkpoint = try Checkpoint(path: path)
            for shard in 0..<shards {
                let part = (oddLayout.count * shard / shards)..<(oddLayout.count * (shard + 1) / shards)
                let first = FloatArena(count: part.count)
                let second = FloatArena(count: part.count)
                try checkpoint.readMoment(.first, oddLayout, elements: part, into: first.all)
                try checkpoint.readMoment(.second, oddLayout, elements: part, into: second.all)
                #expect(first.all.array == part.map { Float(7 + $0) })
                #expect(second.all.array == part.map { Float(7 + oddLayout.count + $0) })
            }
        }
    }

    @Test func momentsAreNamedAsPyTorchNamesThem() throws {
        try withTemporaryDirectory { directory in
            let path = try save(CheckpointStore(directory: directory, keep: 2), step: 1)
            let order = try SafetensorsFile(path + "/optimizer.safetensors").order.map(\.name)
            #expect(
                order == oddLayout.tensors.map { "exp_avg." + $0.name }
                    + oddLayout.tensors.map { "exp_avg_sq." + $0.name })
        }
    }

    @Test func theExpectedSizeIsEnoughAndNotMuchMore() throws {
        try withTemporaryDirectory { directory in
            let path = try save(CheckpointStore(directory: directory, keep: 2), step: 1)
            let size = try names(path).reduce(0) { try $0 + bytes(path + "/" + $1).count }
            #expect((size...(size + 70_000)).contains(CheckpointWriter.byteCount(oddLayout)))
        }
    }

    @Test func momentsOfAnotherModelAreRefused() throws {
        try withTemporaryDirectory { directory in
            let path = try save(CheckpointStore(directory: directory, keep: 2), step: 1)
            var config = oddConfig()
            config.numHiddenLayers = 3
            let layout = ParameterLayout(config)
            let target = FloatArena(count: layout.count)
            let refusal = failure {
                try Checkpoint(path: path).readMoment(.first, layout, into: target.all)
            }
            #expect(refusal?.kind == .unsupported)
            #expect(refusal?.description.contains("exp_avg.model.layers.2") == true)
            let weights = failure { try Checkpoint(path: path).readWeights(layout, into: target.all) }
            #expect(weights?.kind == .unsupported)
        }
    }

    @Test func filesFromElsewhereAreCopiedWhole() throws {
        try withTemporaryDirectory { directory in
            let source = directory + "/source"
            try write((0..<((4 << 20) + 3)).map { UInt8(truncatingIfNeeded: $0 &* 31) }, to: source)
            let store = try CheckpointStore(directory: directory + "/store", keep: 2)
            let path = try store.save(trainerState(step: 1), expectedBytes: 0) {
                try addFiles($0, step: 1)
                try $0.add("vocabulary", copyOf: source)
            }
            #expect(try bytes(path + "/vocabulary") == bytes(source))
            try Checkpoint.verify(path)
        }
    }

    @Test(arguments: [
        "", ".", "..", "a/b", "/a", "a\0b", "config.json", "trainer.json", "checksums.json", "COMPLETE",
        "tokenizer.model",
    ])
    func namesThatAreTakenOrLeadElsewhereAreRefused(name: String) throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            let refusal = failure {
                _ = try store.save(trainerState(step: 1), expectedBytes: 0) {
                    try addFiles($0, step: 1)
                    try $0.add(name, bytes: [1])
                }
            }
            #expect(refusal?.kind == .misuse)
            #expect(try names(directory) == [])
        }
    }

    @Test func aCheckpointThatLacksANeededFileIsNotSaved() throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            let refusal = failure {
                _ = try store.save(trainerState(step: 1), expectedBytes: 0) { try $0.add("config.json", json: [:]) }
            }
            #expect(refusal?.description.contains("lacks generation_config.json, model.safetensors") == true)
            #expect(try names(directory) == [])
        }
    }

    // MARK: - Keeping and deleting

    @Test(arguments: [2, 3])
    func theNewestStay(keep: Int) throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: keep)
            for step in 1...6 {
                try save(store, step: step * 50)
                let expected = (max(1, step - keep + 1)...step).map { $0 * 50 }
                #expect(try steps(store) == expected)
                #expect(try names(directory).count == expected.count)
            }
            try expectWhole(directory + "/step-00000300", step: 300)
        }
    }

    @Test(arguments: [Int.min, -1, 0, 1])
    func fewerThanTwoAreRefused(keep: Int) {
        let refusal = failure { _ = try CheckpointStore(directory: "unused", keep: keep) }
        #expect(refusal?.kind == .misuse && refusal?.description.contains("keep_checkpoints is \(keep)") == true)
    }

    @Test func stepsAreOrderedAsNumbers() throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            for step in [0, 99_999_999, 100_000_000] { try save(store, step: step) }
            #expect(try steps(store) == [99_999_999, 100_000_000])
            #expect(try store.newestUsable().found?.state.step == 100_000_000)
        }
    }

    @Test func theSameStepIsReplaced() throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            try save(store, step: 1)
            let path = try save(store, step: 2)
            try write("other bytes", to: path + "/model.safetensors")
            try write("mine", to: path + "/notes.txt")
            try save(store, step: 2)
            try expectWhole(path, step: 2)
            #expect(try steps(store) == [1, 2])
            // The user's file was not of the checkpoint: it was set aside, not deleted.
            #expect(try names(directory + "/step-00000002.set-aside-1") == ["notes.txt"])
        }
    }

    @Test func nothingThatIsNotOfACheckpointIsTouched() throws {
        try withTemporaryDirectory { directory in
            let strangers = [
                "step-1", "step-00000000", "step-00000001.tmp", "step-00000001.tmp-x", "step-0000001x", "best",
                "step-00000001.tmp-7.bak",
            ]
            for name in strangers {
                try FileManager.default.createDirectory(
                    atPath: directory + "/" + name, withIntermediateDirectories: true)
                try write("mine", to: directory + "/" + name + "/config.json")
            }
            try write("mine", to: directory + "/metrics.jsonl")
            try write("mine", to: directory + "/step-00000003")
            try write("mine", to: directory + "/step-00000003.tmp-9")
            let store = try CheckpointStore(directory: directory, keep: 2)
            for step in 10...14 { try save(store, step: step) }
            #expect(try steps(store) == [13, 14])
            for name in strangers { #expect(try names(directory + "/" + name) == ["config.json"], "\(name)") }
            #expect(try names(directory).count == strangers.count + 3 + 2)
        }
    }

    @Test func filesAddedByTheUserOutliveTheirCheckpoint() throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            try write("mine", to: save(store, step: 1) + "/notes.txt")
            for step in 2...4 { try save(store, step: step) }
            #expect(try steps(store) == [3, 4])
            #expect(try names(directory + "/step-00000001") == ["notes.txt"])
        }
    }

    // MARK: - Errors while saving

    struct Interruption: Error {}

    @Test func anErrorLeavesTheEarlierCheckpointsAndNothingElse() throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            for step in 1...2 { try save(store, step: step) }
            #expect(throws: Interruption.self) {
                try store.save(trainerState(step: 3), expectedBytes: 0) {
                    try addFiles($0, step: 3)
                    throw Interruption()
                }
            }
            #expect(try names(directory) == ["step-00000001", "step-00000002"])
            for step in 1...2 { try expectWhole(directory + "/step-0000000\(step)", step: step) }
        }
    }

    @Test func aStreamThatEndsEarlyIsAnError() throws {
        try withTemporaryDirectory { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            let refusal = failure {
                _ = try store.save(trainerState(step: 3), expectedBytes: 0) {
                    try $0.addMoments(oddLayout) { try $0.append([1, 2, 3]) }
                }
            }
            #expect(refusal?.description.contains("given 3 floats") == true)
            #expect(try names(directory) == [])
        }
    }

    @Test(.enabled(if: canMount, "needs the right to mount a small file system"))
    func aFullDiskLeavesTheEarlierCheckpointWholeWhereverItStrikes() throws {
        try withSmallFileSystem { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            let earlier = try save(store, step: 1)
            let filler = directory + "/filler"
            var failures: [String] = []
            var freePages = 0
            // One page more each time, so that each file in turn is the one that no longer fits, the marker too.
            while try !steps(store).contains(2) {
                fill(filler, leaving: freePages)
                let refusal = failure {
                    _ = try store.save(trainerState(step: 2), expectedBytes: 0) { try addFiles($0, step: 2) }
                }
                if let refusal {
                    #expect(refusal.kind == .diskFull)
                    #expect(refusal.description.contains("No space left on device"))
                    #expect(refusal.description.contains("are free"))
                    failures.append(refusal.description)
                    #expect(try names(directory) == ["filler", "step-00000001"])
                }
                try expectWhole(earlier, step: 1)
                freePages += 1
                try #require(freePages < 60)
            }
            for name in checkpointFiles {
                #expect(failures.contains { $0.contains("/\(name):") }, "\(name) never met a full disk")
            }
            try expectWhole(directory + "/step-00000002", step: 2)
        }
    }

    /// Writes a file until the disk is full, and then makes it shorter by so many pages.
    private func fill(_ path: String, leaving pages: Int) {
        unlink(path)
        let file = fopen(path, "w")
        setvbuf(file, nil, _IONBF, 0)
        let page = [UInt8](repeating: 1, count: 4096)
        while fwrite(page, 1, page.count, file) == page.count {}
        let size = ftell(file) / 4096 * 4096
        fclose(file)
        truncate(path, size - pages * 4096)
    }

    @Test(.enabled(if: canMount, "needs the right to mount a small file system"))
    func aDiskThatIsTooSmallIsRefusedBeforeAnythingIsWritten() throws {
        try withSmallFileSystem { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            var began = false
            let refusal = failure {
                _ = try store.save(trainerState(step: 2), expectedBytes: 12_345_678) { _ in began = true }
            }
            #expect(refusal?.kind == .diskFull && !began)
            for part in [directory, "12.3 MB (12345678 bytes)", "262.1 kB (262144 bytes)", "step 2"] {
                #expect(refusal?.description.contains(part) == true, "\(refusal?.description ?? "saved")")
            }
        }
    }

    @Test(.enabled(if: canMount, "needs the right to mount a small file system"))
    func aReadOnlyDirectoryIsNamed() throws {
        try withSmallFileSystem { directory in
            let store = try CheckpointStore(directory: directory, keep: 2)
            let earlier = try save(store, step: 1)
            try #require(runs("mount", "-o", "remount,ro", directory))
            let refusal = failure { try save(store, step: 2) }
            #expect(refusal?.kind == .fileSystem)
            #expect(refusal?.description.contains(directory) == true)
            #expect(refusal?.description.contains("Read-only file system") == true)
            try expectWhole(earlier, step: 1)
        }
    }

    @Test func aPathThatCannotBeADirectoryIsNamed() throws {
        try withTemporaryDirectory { directory in
            try write("mine", to: directory + "/file")
            let store = try CheckpointStore(directory: directory + "/file/store", keep: 2)
            let refusal = failure { try save(store, step: 1) }
            #expect(refusal?.kind == .fileSystem && refusal?.description.contains("/file/store") == true)
        }
    }
}
