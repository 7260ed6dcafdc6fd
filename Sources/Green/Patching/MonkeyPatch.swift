internal import CGreen

/// Makes the blocking calls of the whole program green: its own, those of every loaded library, and those of libraries
/// that are loaded later.
///
/// ```swift
/// try monkeyPatch()
/// spawn { usleep(500_000) }  // lets other green threads run
/// ```
///
/// Not those of the C library itself, the dynamic linker and Green. <doc:Patching> says what becomes of the calls.
///
/// - Parameter calls: What to patch; an empty set is ``PatchedCalls/all``.
/// - Returns: What was patched, which stays so until ``PatchedProgram/unpatch()``, also when nobody keeps it.
/// - Throws: A ``SystemError``, with the code `permissionDenied` when the system does not let it be patched.
@discardableResult
public func monkeyPatch(_ calls: PatchedCalls = .all) throws -> PatchedProgram {
    try unsafe PatchedProgram(handle: PatchHandle { unsafe green_monkey_patch($0, calls.rawValue) })
}

/// Whether calls of a loaded object have been made green.
///
/// - Parameter object: The name of its file, its path or its soname; nil asks whether ``monkeyPatch(_:)`` is in force.
public func isPatched(_ object: String? = nil) -> Bool {
    do {
        return try unsafe green_is_patched(checked(object, "object"))
    } catch {
        // No object has a NUL in its name.
        return false
    }
}

/// A program whose blocking calls are green, by ``monkeyPatch(_:)``.
public final class PatchedProgram: Sendable {
    private let handle: PatchHandle

    init(handle: PatchHandle) {
        self.handle = handle
    }

    /// What is patched by now; nothing once it is undone.
    public var report: PatchReport { handle.report }

    /// Takes the patch back. Calls that are under way end as green ones. What somebody else has patched too stays so.
    /// Doing it again does nothing.
    ///
    /// - Throws: A ``SystemError`` when the system does not let all of it be written. The rest stays patched until this
    ///   is tried again.
    public func unpatch() throws {
        try handle.undo()
    }
}
