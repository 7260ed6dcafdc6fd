internal import CGreen
internal import Glibc
internal import SystemPackage

/// What a function of Swift that failed returns to C: an error that C does not report again.
let failedInSwift = -ECANCELED

/// The least stack for Swift. Printing an error takes 40 KiB the first time.
private let leastStackSize = 64 * 1024

/// The stack size for the core: 0 is the hub's default.
func stackBytes(_ size: Int?) -> Int {
    guard let size else { return 0 }
    return max(size, leastStackSize)
}

/// Whether a thread could not be started because there is no memory for it. This ends the thread that was to be
/// started, where any other failure is the caller's.
func isLackOfMemory(_ error: any Error) -> Bool {
    (error as? SystemError)?.code == .noMemory
}

/// Calls the body with the options of a spawn. The fast path is to have none but `discard`.
@inline(__always)
func withSpawnOptions(
    name: String?,
    stackSize: Int?,
    delay: Duration?,
    discard: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void,
    _ body: (UnsafePointer<green_spawn_options>) -> Int32
) -> Int32 {
    var options = unsafe green_spawn_options()
    unsafe options.discard = unsafe discard
    unsafe options.stack_size = stackBytes(stackSize)
    if let delay {
        unsafe options.delay = delay.nanoseconds
    }
    guard let name else {
        return unsafe body(&options)
    }
    return unsafe printableName(name).withCString {
        unsafe options.name = unsafe $0
        return unsafe body(&options)
    }
}
