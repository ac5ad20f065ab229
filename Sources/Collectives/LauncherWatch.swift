import Foundation

/// Ends this process when the launcher that started it is gone: killed, a launcher can end nobody, and its ranks would
/// compute for nobody, or wait for one another for ever.
///
/// The ranks of Open MPI 4.1 notice it by themselves, within two seconds; this holds for those of any launcher. It looks at
/// the parent once a second. (The signal that the kernel can send at a parent's death, PR_SET_PDEATHSIG, also
/// comes when only the thread ends that started this process, and a daemon of Open MPI starts many from threads.)
enum LauncherWatch {
    /// To be called once, as early as possible.
    static func begin() {
        let launcher = getppid()
        Thread.detachNewThread {
            while getppid() == launcher { sleep(1) }
            // Whoever could have read a message, or asked for the exit code, is gone too.
            _exit(70)
        }
    }
}
