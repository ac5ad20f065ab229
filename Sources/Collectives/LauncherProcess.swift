import CPlatform
import Foundation
import Glibc

/// The process that started the ranks of this node: `mpirun`, or the daemon of it that runs here.
struct LauncherProcess: Equatable {
    let process: Int32
    /// With the number it names one process for good.
    let birth: UInt64

    /// Those of Open MPI and of MPICH. What Slurm runs is its own to end.
    private static let names: Set = [
        "mpirun", "mpiexec", "orterun", "orted", "prterun", "prte", "prted", "hydra_pmi_proxy",
    ]

    /// The nearest of this process's forebears that is one.
    static var current: LauncherProcess? {
        var process = getppid()
        while process > 1 {
            let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
            var birth: UInt64 = 0
            var state: CChar = 0
            var parent: Int32 = 0
            guard cplatform_process_status(process, &birth, &state, &parent) == 0 else { return nil }
            if names.contains(name.trimmingCharacters(in: .newlines)) {
                return LauncherProcess(process: process, birth: birth)
            }
            process = parent
        }
        return nil
    }

    /// SIGKILL for it if it is still there in `seconds`, whatever has become of this process by then: a launcher that cannot
    /// reach its other daemons, after a network was cut, waits for them for ever.
    func end(after seconds: Int) { _ = cplatform_kill_later(process, birth, Int32(seconds)) }
}
