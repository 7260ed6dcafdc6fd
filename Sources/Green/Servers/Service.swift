internal import CGreen
internal import SystemPackage

/// The state that one `serve` shares with its handlers, which may outlive it.
final class Service {
    private let handler: (Socket, SocketAddress) throws -> Void
    private let onError: ((any Error) -> Void)?
    private var hasEnded = false

    /// The error of a handler, for `serve` to throw.
    private(set) var failure: (any Error)?

    init(handler: @escaping (Socket, SocketAddress) throws -> Void, onError: ((any Error) -> Void)?) {
        self.handler = handler
        self.onError = onError
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

    /// `serve` has returned, so it cannot throw the errors of the remaining handlers.
    func end() {
        hasEnded = true
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
        if hasEnded || failure != nil {
            let thread = label(of: unsafe green_current())
            report(error, "\(thread), a handler that outlived its serve, ended with an error")
            return 0
        }
        failure = error
        return GREEN_STOP_SERVE
    }
}
