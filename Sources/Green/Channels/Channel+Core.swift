internal import CGreen

// Calls of the core for inlined code, which cannot see it.

extension Channel {
    @usableFromInline
    func send(from place: UnsafeMutableRawPointer, _ timeout: Int64) -> Int32 {
        unsafe green_channel_send(handle, place, timeout)
    }

    @usableFromInline
    func receive(to place: UnsafeMutableRawPointer, _ timeout: Int64) -> Int32 {
        unsafe green_channel_receive(handle, place, timeout)
    }

    @usableFromInline
    func trySend(from place: UnsafeMutableRawPointer) -> Int32 {
        unsafe green_channel_try_send(handle, place)
    }

    @usableFromInline
    func tryReceive(to place: UnsafeMutableRawPointer) -> Int32 {
        unsafe green_channel_try_receive(handle, place)
    }
}

/// The error for a result that the last call, on a channel, has returned.
@usableFromInline
@inline(never)
func channelFailure(_ result: Int32) -> any Error {
    meansClosed(result) ? ChannelClosed() : failure(result)
}
