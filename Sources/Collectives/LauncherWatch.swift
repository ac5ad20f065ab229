import Foundation
import Synchronization

/// Ends this process when the launcher that started it is gone: killed, a launcher can end nobody, and its ranks would
/// compute for nobody, or wait for one another for ever.
///
/// The ranks of Open MPI 4.1 notice it by themselves, within two seconds; this holds for those of any launcher. It looks at
/// the parent once a second. (The signal that the kernel can send at a parent's death, PR_SET_PDEATHSIG, also
/// comes when only the thread ends that started this process, and a daemon of Open MPI starts many from threads.)
enum LauncherWatch {
    /// What this process does when its launcher is gone, before it ends.
    static var beforeTheEnd: (@Sendable () -> Void)? {
        get { lastAct.withLock { $0 } }
        set { lastAct.withLock { $0 = newValue } }
    }

    private static let lastAct = Mutex<(@Sendable () -> Void)?>(nil)

    /// To be called once, as early as possible.
    static func begin() {
        let launcher = getppid()
        Thread.detachNewThread {
            while getppid() == launcher { sleep(1) }
            beforeTheEnd?()
            // Whoever could have read a message, or asked for the exit code, is gone too.
            _exit(70)
        }
    }
}
