internal import CGreen
internal import Glibc

/// Loads a C library and makes its blocking calls green: they park the calling green thread instead of blocking its
/// OS thread.
///
/// ```swift
/// try importPatched("libpq.so.5")
/// for _ in 0..<60 {
///     spawn { try query("SELECT pg_sleep(0.5)") }  // by PQexec(), all on one OS thread
/// }
/// ```
///
/// The library is patched together with its private dependencies, and is never unloaded. It may be loaded already, for
/// example because the program is linked to it. <doc:Patching> describes how patched calls behave.
///
/// - Parameters:
///   - library: The file name of the library, which the dynamic linker searches for, or its path.
///   - calls: The calls to patch. An empty set means ``PatchedCalls/all``.
///   - also: Names of further loaded objects to patch.
/// - Returns: The patch, which stays in force until ``Patch/unpatch()``, even if the result is discarded.
/// - Throws: A ``SystemError`` with the code `noSuchFileOrDirectory` if there is no such library or an object of `also`
///   is not loaded, `noData` if the library makes none of the calls, `invalidArgument` if an object is part of the C
///   library or of Green, or `permissionDenied` if the system refuses to make a page of an object writable.
@discardableResult
public func importPatched(
    _ library: String,
    calls: PatchedCalls = .all,
    also: [String] = []
) throws -> Patch {
    let library = try checked(library, "library")
    let names = try unsafe also.map { name in
        try unsafe checked(name, "also").withCString { unsafe strdup($0) }
    }
    defer { unsafe names.forEach { unsafe free($0) } }
    return try unsafe Patch { patch in
        unsafe names.map { unsafe UnsafePointer($0) }.withUnsafeBufferPointer { names in
            var options = unsafe green_import_options()
            unsafe options.families = calls.rawValue
            unsafe options.also = names.baseAddress
            unsafe options.also_count = names.count
            return unsafe green_import_patched(patch, library, &options)
        }
    }
}
