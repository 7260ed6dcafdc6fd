internal import CGreen
internal import Glibc

/// Loads a C library and makes its blocking calls green.
///
/// ```swift
/// try importPatched("libpq.so.5")
/// for _ in 0..<60 {
///     spawn { try query("SELECT pg_sleep(0.5)") }  // by PQexec(), all on one OS thread
/// }
/// ```
///
/// The library is patched together with what it alone depends on, and is never unloaded. It may be loaded already,
/// linked to the program for one. <doc:Patching> says what becomes of its calls.
///
/// - Parameters:
///   - library: The name of its file, as the dynamic linker finds it, or the path.
///   - calls: What to patch; an empty set is ``PatchedCalls/all``.
///   - also: Names of further objects, loaded by then, to patch too.
/// - Returns: What was patched, which stays so until ``PatchedLibrary/unpatch()``, also when nobody keeps it.
/// - Throws: A ``SystemError``, with the code `noSuchFileOrDirectory` when there is no such library or one of `also` is
///   not loaded, `noData` when it makes none of these calls, `invalidArgument` when one is part of the C library or of
///   Green, `permissionDenied` when the system does not let it be patched.
@discardableResult
public func importPatched(
    _ library: String,
    calls: PatchedCalls = .all,
    also: [String] = []
) throws -> PatchedLibrary {
    let library = try checked(library, "library")
    let names = try unsafe also.map { name in
        try unsafe checked(name, "also").withCString { unsafe strdup($0) }
    }
    defer { unsafe names.forEach { unsafe free($0) } }
    return try unsafe PatchedLibrary(
        handle: PatchHandle { patch in
            unsafe names.map { unsafe UnsafePointer($0) }.withUnsafeBufferPointer { names in
                var options = unsafe green_import_options()
                unsafe options.families = calls.rawValue
                unsafe options.also = names.baseAddress
                unsafe options.also_count = names.count
                return unsafe green_import_patched(patch, library, &options)
            }
        }
    )
}

/// A C library whose blocking calls are green, by ``importPatched(_:calls:also:)``.
public final class PatchedLibrary: Sendable {
    private let handle: PatchHandle

    init(handle: PatchHandle) {
        self.handle = handle
    }

    /// What is patched; nothing once it is undone.
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
