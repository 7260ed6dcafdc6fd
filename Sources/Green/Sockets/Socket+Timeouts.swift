internal import CGreen

extension Socket {
    /// The time limit of each read, which then throws a ``SystemError`` with the code `timedOut`; nil means no limit.
    public var readTimeout: Duration? {
        get { Duration(nanoseconds: timeouts.read) }
        set { unsafe green_socket_set_timeouts(handle, newValue.timeout, timeouts.write) }
    }

    /// The time limit of each write, which then throws a ``SystemError`` with the code `timedOut`; nil means no limit.
    public var writeTimeout: Duration? {
        get { Duration(nanoseconds: timeouts.write) }
        set { unsafe green_socket_set_timeouts(handle, timeouts.read, newValue.timeout) }
    }

    private var timeouts: (read: Int64, write: Int64) {
        var read: Int64 = 0
        var write: Int64 = 0
        unsafe green_socket_timeouts(handle, &read, &write)
        return (read, write)
    }
}
