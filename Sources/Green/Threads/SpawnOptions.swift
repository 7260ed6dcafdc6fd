internal import CGreen
internal import Glibc
internal import SystemPackage

/// The result of a Swift function that threw, for C, which does not report it.
let failedInSwift = -ECANCELED

/// The minimum stack for Swift. Printing an error takes 40 KiB the first time.
private let leastStackSize = 64 * 1024

/// The stack size for the core; 0 is the hub's default.
func stackBytes(_ size: Int?) -> Int {
    guard let size else { return 0 }
    return max(size, leastStackSize)
}

/// Whether a thread could not be started for lack of memory. This is the error of the new thread; any other failure of
/// a spawn is the caller's.
func isLackOfMemory(_ error: any Error) -> Bool {
    (error as? SystemError)?.code == .noMemory
}

/// Calls the body with the options of a spawn. The fast path has only `discard`.
@inline(__always)
func withSpawnOptions(
    name: String?,
    stackSize: Int?,
    delay: Duration?,
    droppedWithSpawner: Bool = false,
    discard: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void,
    _ body: (UnsafePointer<green_spawn_options>) -> Int32
) -> Int32 {
    var options = unsafe green_spawn_options()
    unsafe options.discard = unsafe discard
    unsafe options.stack_size = stackBytes(stackSize)
    if let delay {
        unsafe options.delay = delay.nanoseconds
    }
    unsafe options.dropped_with_spawner = droppedWithSpawner
    guard let name else {
        return unsafe body(&options)
    }
    return unsafe printableName(name).withCString {
        unsafe options.name = unsafe $0
        return unsafe body(&options)
    }
}
