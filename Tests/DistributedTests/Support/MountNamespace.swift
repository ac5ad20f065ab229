import Foundation

/// Commands that run in a name space of mounts of their own, so that a disk can be full or a file be another one for them
/// alone.
enum MountNamespace {
    /// A wrapper that gives `directory` a file system of `megabytes`. It goes with the command; `copy` receives what was on
    /// it at the end.
    static func smallDisk(_ directory: String, megabytes: Int, copy: String) -> [String] {
        wrapper(
            """
            mount -t tmpfs -o size=\(megabytes)m tmpfs '\(directory)' || exit 1
            "$@"
            code=$?
            cp -r '\(directory)' '\(copy)'
            exit $code
            """)
    }

    /// A wrapper that gives a command a /dev/shm of `megabytes`, as a container has.
    static func smallSharedMemory(megabytes: Int) -> [String] {
        wrapper("mount -t tmpfs -o size=\(megabytes)m tmpfs /dev/shm && exec \"$@\"")
    }

    /// A wrapper under which `directory` becomes an empty file system that cannot be written, at once or
    /// half a second after `sign` came to exist.
    static func readOnly(_ directory: String, when sign: String? = nil) -> [String] {
        guard let sign else { return wrapper("mount -t tmpfs -o ro tmpfs '\(directory)' && exec \"$@\"") }
        return wrapper(
            """
            "$@" &
            while [ ! -e '\(sign)' ] && kill -0 $!; do sleep 0.01; done
            sleep 0.5
            mount -t tmpfs -o ro tmpfs '\(directory)'
            wait $!
            """)
    }

    /// A wrapper that puts `other` in the place of `file`.
    static func exchange(_ file: String, for other: String) -> [String] {
        wrapper("mount --bind '\(other)' '\(file)' && exec \"$@\"")
    }

    private static func wrapper(_ script: String) -> [String] { ["unshare", "--mount", "sh", "-c", script, "sh"] }

    static let isAllowed: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = smallSharedMemory(megabytes: 1) + ["true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
