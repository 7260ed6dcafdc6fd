internal import CGreen

/// The blocking calls of the C library that patching makes green, by families.
public struct PatchedCalls: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// `connect`, `accept`, `read`, `recv`, `write`, `send` and their like, on sockets, pipes and terminals; and
    /// `close`, which ends them.
    public static let socket = PatchedCalls(rawValue: UInt32(GREEN_PATCH_SOCKET))

    /// `poll`, `select`, `epoll_wait` and their like.
    public static let select = PatchedCalls(rawValue: UInt32(GREEN_PATCH_SELECT))

    /// `sleep`, `usleep`, `nanosleep` and `clock_nanosleep`.
    public static let time = PatchedCalls(rawValue: UInt32(GREEN_PATCH_TIME))

    /// `wait`, `waitpid`, `wait4` and `system`.
    public static let os = PatchedCalls(rawValue: UInt32(GREEN_PATCH_OS))

    /// `getaddrinfo`, `getnameinfo`, `gethostbyname` and their like, which go to native threads.
    public static let dns = PatchedCalls(rawValue: UInt32(GREEN_PATCH_DNS))

    /// All of these. As in Eventlet, those that follow are only for who asks for them by name.
    public static let all = PatchedCalls(rawValue: UInt32(GREEN_PATCH_ALL))

    /// `pread`, `pwrite`, `fsync`, `open` and their like, on regular files and disks; `close`, which waits for them; and
    /// the files' part of `read` and `write` of ``socket``, for whoever calls those while anything is patched with this.
    ///
    /// Not in ``all``, since libraries often hold a lock of their own while they use a file. A second green thread of the
    /// same OS thread that wants the lock meanwhile would be a deadlock, without ``lock``.
    public static let file = PatchedCalls(rawValue: UInt32(GREEN_PATCH_FILE))

    /// `pthread_mutex_lock`, `pthread_cond_wait`, `pthread_rwlock_rdlock`, `sem_wait`, `pthread_join` and their like.
    ///
    /// With these a library may hold a lock of its own while it waits, and wait for native threads of its own. Patch all
    /// libraries that share such a lock. Calls that have no time are not ended by a kill or a ``Timeout``.
    public static let lock = PatchedCalls(rawValue: UInt32(GREEN_PATCH_LOCK))

    /// `pthread_create`, which starts a green thread then, and the other calls about threads, `pthread_getspecific` and
    /// `sched_yield` for two. ``lock`` comes with it.
    ///
    /// Such threads share one OS thread with its processor and its thread-local variables: <doc:Patching>.
    public static let thread = PatchedCalls(rawValue: UInt32(GREEN_PATCH_THREAD))
}
