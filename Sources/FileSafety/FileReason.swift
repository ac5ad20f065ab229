import Foundation

extension Error {
    /// The kernel's number (ENOENT, …) where a file could not be read or written; Foundation wraps it.
    public var fileErrorNumber: Int32? {
        let error = self as NSError
        let cause = (error.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError } ?? error
        return cause.domain == NSPOSIXErrorDomain ? Int32(cause.code) : nil
    }

    /// Why a file could not be read or written, in the kernel's words where they are known. Those of Foundation begin with
    /// "The operation could not be completed", and often end there.
    public var fileReason: String {
        guard let number = fileErrorNumber else { return localizedDescription }
        return unsafe String(cString: unsafe strerror(number))
    }
}
