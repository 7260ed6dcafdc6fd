internal import CGreen
internal import Synchronization

extension HubPool {
    /// The pool on which ``withGreenThread(name:stackSize:_:)`` runs the green code of `async` functions.
    ///
    /// The first use makes it, with a hub for each CPU that the process may use, named "green-0" and so on, and with
    /// the defaults of ``init(count:name:pinned:engine:entries:receiveMemory:stackSize:warmStacks:)``. For other
    /// settings, call ``setShared(_:)`` when the program starts. The OS threads of the pool remain to the end of the
    /// process.
    ///
    /// Any OS thread may use it. The first use blocks the OS thread, also that of a hub, until the hubs are made.
    ///
    /// - Throws: The errors of that initializer. The next use tries again.
    public static var shared: HubPool {
        get throws {
            try sharedPool.withLock { shared in
                if let pool = shared {
                    return pool
                }
                let pool = try makeShared()
                shared = pool
                return pool
            }
        }
    }

    /// Replaces the pool that ``shared`` returns.
    ///
    /// Threads of the former pool run to their end. Its OS threads end after them, once the last reference to that pool
    /// is released. Call it on any OS thread. Does not block.
    ///
    /// - Parameter pool: The pool; nil means that the next use makes one with the defaults.
    public static func setShared(_ pool: HubPool?) {
        // Outside the lock: a release of the last reference may run code of the program.
        _ = sharedPool.withLock { shared in
            let former = shared
            shared = pool
            return former
        }
    }
}

private let sharedPool = Mutex<HubPool?>(nil)

/// Makes the pool on an OS thread of its own. The initializer would park a calling green thread. Other green threads
/// of its hub would run, wait for the lock, and block the OS thread forever.
private func makeShared() throws -> HubPool {
    let maker = SharedPoolMaker()
    let argument = unsafe Unmanaged.passUnretained(maker).toOpaque()
    let error = unsafe green_task_call_elsewhere(
        { argument in
            unsafe Unmanaged<SharedPoolMaker>.fromOpaque(argument!).takeUnretainedValue().make()
        },
        argument
    )
    try check(error)
    return try maker.result.get()
}

private final class SharedPoolMaker {
    var result: Result<HubPool, any Error>!

    func make() {
        result = Result { try HubPool(name: "green") }
    }
}
