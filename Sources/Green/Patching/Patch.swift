internal import CGreen
internal import Synchronization
public import SystemPackage

/// A patch of calls, made by ``importPatched(_:calls:also:)`` or ``monkeyPatch(_:)``.
///
/// The patch stays in force until ``unpatch()``, even if this object is released. Any OS thread may use it.
@safe
public final class Patch: Sendable {
    /// The core's patch, or nil after it has been undone.
    @safe private let patch: Mutex<OpaquePointer?>

    /// Makes a patch by a function of the core.
    init(_ make: (UnsafeMutablePointer<OpaquePointer?>) -> Int32) throws {
        var made: OpaquePointer?
        try check(unsafe make(&made))
        patch = unsafe Mutex(made)
    }

    /// The patched calls; for ``monkeyPatch(_:)`` those patched so far. Empty after ``unpatch()``.
    public var report: PatchReport {
        unsafe patch.withLock { patch in
            guard let patch = unsafe patch else {
                return PatchReport(lines: [])
            }
            return unsafe PatchReport(lines: lines(of: patch))
        }
    }

    private func lines(of patch: OpaquePointer) -> [PatchReport.Line] {
        unsafe withUnsafeTemporaryAllocation(of: green_patch_line.self, capacity: 1) { place in
            var lines: [PatchReport.Line] = []
            while let line = place.baseAddress, unsafe green_patch_report(patch, lines.count, line) {
                lines.append(
                    PatchReport.Line(
                        object: unsafe String(cString: line.pointee.object),
                        symbol: unsafe String(cString: line.pointee.symbol),
                        count: unsafe line.pointee.count
                    )
                )
            }
            return lines
        }
    }

    /// Sets the error with which a kill and a ``Timeout`` end the calls that this patch reaches.
    ///
    /// By default a kill is `ECANCELED` and a timeout `ETIMEDOUT`. Some libraries treat errors that they do not know as
    /// bugs: libzmq aborts the process, and needs `.interrupted`. With it, most libraries call again, so kill the thread
    /// by ``GreenThread/killForGood(waitingForEnd:)`` if it has to leave the library. Does nothing after ``unpatch()``.
    ///
    /// - Parameter error: The error, or nil for the default.
    /// - Throws: A ``SystemError`` with the code `invalidArgument` if this is no error of a system call.
    public func setInterruptError(_ error: Errno?) throws {
        let result = unsafe patch.withLock { patch in
            guard let patch = unsafe patch else { return Int32(0) }
            return unsafe green_patch_set_interrupt_errno(patch, error?.rawValue ?? 0)
        }
        try check(result)
    }

    /// Undoes the patch. Calls in progress end as green ones, and calls that another patch covers stay patched. Calling
    /// it again has no effect.
    ///
    /// - Throws: A ``SystemError`` if the system refuses to make a page writable. Part of the patch then stays in force,
    ///   and you may try again.
    public func unpatch() throws {
        let undone = unsafe patch.withLock { patch in
            let result = unsafe green_unpatch(patch)
            if result == 0 {
                unsafe patch = nil
            }
            return result
        }
        try check(undone)
    }
}
