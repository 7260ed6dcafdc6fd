internal import CGreen
internal import Synchronization

/// Owns a patch of the core until it is undone. A patch whose handle is discarded stays in force, which is the usual
/// case.
@safe
final class PatchHandle: Sendable {
    /// The patch, or nil after it has been undone.
    @safe private let patch: Mutex<OpaquePointer?>

    /// Makes a patch by a function of the core.
    init(_ make: (UnsafeMutablePointer<OpaquePointer?>) -> Int32) throws {
        var made: OpaquePointer?
        try check(unsafe make(&made))
        patch = unsafe Mutex(made)
    }

    var report: PatchReport {
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

    func undo() throws {
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
