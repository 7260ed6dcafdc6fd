internal import CGreen

/// Makes the blocking calls of the whole program green: those of the program itself, of every loaded library, and of
/// libraries that `dlopen` loads later.
///
/// ```swift
/// try monkeyPatch()
/// spawn { usleep(500_000) }  // lets other green threads run
/// ```
///
/// The C library, the dynamic linker and Green itself are not patched. <doc:Patching> describes how patched calls
/// behave.
///
/// - Parameter calls: The calls to patch. An empty set means ``PatchedCalls/all``.
/// - Returns: The patch, which stays in force until ``Patch/unpatch()``, even if the result is discarded.
/// - Throws: A ``SystemError`` with the code `permissionDenied` if the system refuses to make a page writable.
@discardableResult
public func monkeyPatch(_ calls: PatchedCalls = .all) throws -> Patch {
    try unsafe Patch { unsafe green_monkey_patch($0, calls.rawValue) }
}

/// Returns whether calls of a loaded object are patched.
///
/// - Parameter object: The file name, path or soname of the object, or nil to ask whether a patch of
///   ``monkeyPatch(_:)`` is in force.
public func isPatched(_ object: String? = nil) -> Bool {
    do {
        return try unsafe green_is_patched(checked(object, "object"))
    } catch {
        // No object has a NUL in its name.
        return false
    }
}
