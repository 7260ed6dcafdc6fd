internal import CGreen
internal import Synchronization
internal import SystemPackage

/// The state that a `serve` or a ``Server`` shares with its handlers, which may outlive it. The handlers of a server
/// run on several OS threads at the same time.
final class Service {
    private struct State {
        var hasEnded = false
        /// The error of a handler, for `serve` to throw.
        var failure: (any Error)?
    }

    private let handler: (Socket, SocketAddress) throws -> Void
    private let onError: ((any Error) -> Void)?
    private let state = Mutex(State())

    init(handler: @escaping (Socket, SocketAddress) throws -> Void, onError: ((any Error) -> Void)?) {
        self.handler = handler
        self.onError = onError
    }

    deinit {
        let state = state.withLock { $0 }
        if let failure = state.failure, !state.hasEnded {
            report(failure, "a server ended with an error that no call returned")
        }
    }

    /// Runs in the green thread of a connection.
    func handle(_ handle: OpaquePointer) -> Int32 {
        let client = unsafe Socket(owning: green_socket_retain(handle))
        defer { client.close() }
        do {
            try handler(client, (try? client.peerAddress) ?? SocketAddress(green_address()))
            return 0
        } catch is StopServe {
            return GREEN_STOP_SERVE
        } catch is GreenExit {
            return failedInSwift
        } catch {
            return take(error, from: client)
        }
    }

    /// Serving has ended, so no call will throw the errors of the remaining handlers.
    ///
    /// - Returns: The error of a handler that ended it. The caller throws it.
    func end() -> (any Error)? {
        state.withLock {
            $0.hasEnded = true
            return $0.failure
        }
    }

    private func take(_ error: any Error, from client: Socket) -> Int32 {
        if let onError {
            onError(error)
            return 0
        }
        if client.hasFailed(with: error) {
            let (thread, peer) = (label(of: unsafe green_current()), try? client.peerAddress)
            report(error, "\(thread), serving \(peer.map { "\($0)" } ?? "a client")", ifRoom: true)
            return 0
        }
        let endsService = state.withLock {
            guard !$0.hasEnded, $0.failure == nil else { return false }
            $0.failure = error
            return true
        }
        if endsService {
            return GREEN_STOP_SERVE
        }
        let thread = label(of: unsafe green_current())
        report(error, "\(thread), a handler that outlived its serve, ended with an error")
        return 0
    }
}

/// The C function of each handler.
func handleClient(_ client: OpaquePointer, _ context: UnsafeMutableRawPointer?) -> Int32 {
    unsafe Unmanaged<Service>.fromOpaque(context!).takeUnretainedValue().handle(client)
}

/// Called after the last handler has ended.
func releaseService(_ context: UnsafeMutableRawPointer?) {
    unsafe Unmanaged<Service>.fromOpaque(context!).release()
}
