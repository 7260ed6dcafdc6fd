internal import CGreen

/// Families of blocking C library calls that patching makes green.
public struct PatchedCalls: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// `connect`, `accept`, `read`, `recv`, `write`, `send`, `sendfile`, `splice` and similar calls on sockets, pipes and
    /// terminals, and `close`, which ends them.
    public static let socket = PatchedCalls(rawValue: UInt32(GREEN_PATCH_SOCKET))

    /// `poll`, `select`, `epoll_wait` and their variants.
    public static let select = PatchedCalls(rawValue: UInt32(GREEN_PATCH_SELECT))

    /// `sleep`, `usleep`, `nanosleep` and `clock_nanosleep`.
    public static let time = PatchedCalls(rawValue: UInt32(GREEN_PATCH_TIME))

    /// `wait`, `waitpid`, `waitid` and their variants, `system` and `pclose`; `flock`, `lockf` and the locks of `fcntl`;
    /// message queues, semaphores of System V, `aio_suspend` and `tcdrain`.
    public static let os = PatchedCalls(rawValue: UInt32(GREEN_PATCH_OS))

    /// `getaddrinfo`, `getnameinfo`, `gethostbyname` and their variants, which run on separate OS threads.
    public static let dns = PatchedCalls(rawValue: UInt32(GREEN_PATCH_DNS))

    /// All families above. The families below are opt-in, like `builtins` in Eventlet's `monkey_patch`.
    public static let all = PatchedCalls(rawValue: UInt32(GREEN_PATCH_ALL))

    /// `pread`, `pwrite`, `fsync`, `copy_file_range`, `open` and similar calls on regular files and block devices, and
    /// `close`, which waits for them. While a patch with this family exists, `read` and `write` of ``socket`` wait green
    /// for files, too, in all patched objects.
    ///
    /// Not part of ``all``, because libraries often hold a lock of their own while they use a file: without ``lock``, a
    /// second green thread of the same OS thread that needs the lock meanwhile deadlocks.
    public static let file = PatchedCalls(rawValue: UInt32(GREEN_PATCH_FILE))

    /// `pthread_mutex_lock`, `pthread_cond_wait`, `pthread_rwlock_rdlock`, `sem_wait`, `pthread_join` and their variants.
    ///
    /// A library may then hold a lock of its own while it waits, and wait for OS threads of its own. Patch all libraries
    /// that share such a lock. A kill or a ``Timeout`` ends only calls with a time limit.
    public static let lock = PatchedCalls(rawValue: UInt32(GREEN_PATCH_LOCK))

    /// `pthread_create`, which starts green threads, and other calls about threads, such as `pthread_getspecific` and
    /// `sched_yield`. Includes ``lock``.
    ///
    /// These threads share one OS thread, with its CPU and its thread-local variables. See <doc:Patching>.
    public static let thread = PatchedCalls(rawValue: UInt32(GREEN_PATCH_THREAD))

    /// `sigaction` and `signal`, whose handlers then end patched calls with `EINTR`, as they end the calls of the kernel;
    /// `pthread_sigmask`, so that each green thread has a mask of its own; and `sigwait`, `pause` and similar calls.
    ///
    /// For programs and libraries that expect signals to end their calls. Without it, calls continue after a handler.
    public static let signal = PatchedCalls(rawValue: UInt32(GREEN_PATCH_SIGNAL))
}
