import CMPI
import Kernels

/// Who is calling MPI, for the message of a call that fails.
struct MPICaller: Sendable {
    var rank: Int
    var host: String

    /// The one place where MPI is called: its error codes become Swift errors, and those who watch see that this rank waits
    /// for others.
    func check(_ call: @autoclosure () -> Int32, _ operation: String) throws {
        let code = Vitals.waiting(call)
        guard code != 0 else { return }
        throw CollectiveError.mpi(
            operation: operation, rank: rank, host: host, text: textFromC(512) { cmpi_error_text(code, $0, $1) })
    }
}

/// The text that a C function writes into a buffer of the given capacity.
func textFromC(_ capacity: Int, _ write: (UnsafeMutablePointer<CChar>, Int32) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
        buffer.initialize(repeating: 0)
        write(buffer.baseAddress!, Int32(capacity))
        return String(cString: buffer.baseAddress!)
    }
}
