import Collectives
import Foundation
import Kernels
import Logging

/// Runs a command on all ranks of a launch and ends the process as its outcome says.
public enum Job {
    /// The rank that the launcher gave this process, known before MPI starts.
    public static var launchRank: Int { LaunchEnvironment.current.rank }

    /// Joins the other ranks and runs `body`.
    ///
    /// An error on any rank is printed by that rank and ends all of them at once: no collective comes after it, because
    /// the others may wait in another one.
    /// - Parameters:
    ///   - heedsStopSignals: whether `body` ends by itself after a signal that asks for a stop.
    ///   - stallLimit: how long a rank may stand still before the watchdog ends all; nil: for ever.
    public static func run(
        heedsStopSignals: Bool = false, stallLimit: Duration? = Watchdog.standardLimit,
        _ body: (any Communicator, Logger, Watchdog) throws -> ExitStatus
    ) -> Never {
        // Before the other ranks are joined: a signal that comes early shall not be one that kills.
        if heedsStopSignals { StopRequest.watchSignals() }
        let communicator: any Communicator
        do {
            communicator = try makeCommunicator()
        } catch {
            // Rank 0 speaks for all; mpirun ends it as soon as another has failed, so that one waits.
            if launchRank == 0 || !isToldByAll(error) { tell(error) } else { sleep(3) }
            exit(ExitStatus(error).rawValue)
        }
        let (rank, topology) = (communicator.rank, communicator.topology)
        do {
            let watchdog = try Watchdog(communicator, limit: stallLimit)
            let logger = RankLog.logger(rank: rank, host: topology.hostName)
            for note in try HostIdentity.compare(communicator) { logger.warning("\(note)") }
            let status = try body(communicator, logger, watchdog)
            Stage.ending.begin()
            try communicator.barrier()
            watchdog.end()
            try communicator.finalize()
            exit(status.rawValue)
        } catch {
            if rank != 0 && isToldByAll(error) || isOfAnotherRank(error) {
                // That rank tells what happened and ends all; this one only must not be quicker.
                sleep(3)
            } else {
                tell(error, origin: topology.worldSize > 1 ? " (rank \(rank) on \(topology.hostName))" : "")
            }
            communicator.abort(code: ExitStatus(error).rawValue)
        }
    }

    /// Runs `body` where no other rank is needed, and MPI is not started. Under a launcher, rank 0 alone does it.
    public static func runAlone(_ body: () throws -> ExitStatus) -> Never {
        guard launchRank == 0 else { exit(ExitStatus.done.rawValue) }
        do {
            exit(try body().rawValue)
        } catch {
            tell(error)
            exit(ExitStatus(error).rawValue)
        }
    }

    private static func tell(_ error: any Error, origin: String = "") {
        writeToStandardError("jreg-dist: error\(origin): \(error)\n")
    }

    private static func isToldByAll(_ error: any Error) -> Bool {
        (error as? CollectiveError)?.isTheSameOnEveryRank ?? (error as? TrainingError)?.isTheSameOnEveryRank ?? false
    }

    private static func isOfAnotherRank(_ error: any Error) -> Bool {
        if case CollectiveError.onAnotherRank = error { true } else { false }
    }
}
