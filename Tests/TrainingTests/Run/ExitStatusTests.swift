import Checkpoints
import Collectives
import Corpus
import Foundation
import Testing
import Training

/// What a script that starts the program learns from its exit code: 64 change the command, 65 change the data, 70 look at
/// the machine.
struct ExitStatusTests {
    @Test func theCodesAreThoseOfSysexits() {
        let codes = [ExitStatus.done, .usage, .data, .internal, .stoppedEarly].map(\.rawValue)
        #expect(codes == [0, 64, 65, 70, 75])
    }

    @Test func mistakesOfTheCommandLine() throws {
        #expect(status { _ = try loaded("run: {stepps: 3}") } == .usage)
        #expect(status { _ = try CheckpointStore(directory: "/tmp", keep: 1) } == .usage)
        #expect(status { _ = try dataset("/no/such/shard.bin") } == .usage)
        #expect(status { _ = try LaneAssignment(lanes: 4, worldSize: 5) } == .usage)
        #expect(status { _ = try LaneAssignment(lanes: 6, worldSize: 2) } == .usage)
        let tasks = LaunchEnvironment(["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "1"])
        #expect(status { _ = try makeCommunicator(tasks) } == .usage)
        #expect(ExitStatus(CollectiveError.debugNodes(setting: "x", problem: "")) == .usage)
    }

    @Test func dataThatIsNotWhatItHasToBe() throws {
        #expect(status { _ = try dataset(repository.appending(path: "Package.swift").path()) } == .data)
        #expect(status { _ = try Checkpoint(path: "/no/such/checkpoint") } == .data)
        #expect(status { _ = try SafetensorsFile(repository.appending(path: "Package.swift").path()) } == .data)
    }

    @Test func theSystemRefused() throws {
        let full = CollectiveError.sharedMemoryTooSmall(label: "", need: 2, free: 1, place: "/dev/shm", host: "h")
        #expect(ExitStatus(full) == .internal)
        #expect(ExitStatus(CollectiveError.mpi(operation: "MPI_Bcast", rank: 0, host: "h", text: "")) == .internal)
        // A directory where a file has to be made.
        #expect(status { _ = try CheckpointStore(directory: "/dev/null", keep: 2).list() } == .internal)
        #expect(ExitStatus(CocoaError(.fileNoSuchFile)) == .internal)
    }

    private func dataset(_ path: String) throws -> TokenDataset {
        try TokenDataset(paths: [path], split: .train, sequenceLength: 8, vocabularySize: 101)
    }

    /// The status that belongs to the error of `body`; nil where it throws none.
    private func status(_ body: () throws -> Void) -> Training.ExitStatus? {
        do { try body() } catch { return ExitStatus(error) }
        return nil
    }
}
