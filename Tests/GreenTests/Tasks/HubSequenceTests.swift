import Glibc
import Green
import Testing

/// Runs the body with two connected sockets of a new hub.
private func withPair(_ body: @escaping @Sendable (_ near: Socket, _ far: Socket) throws -> Void) async throws {
    try await onNewHub {
        let (near, far) = try Socket.pair()
        defer {
            near.close()
            far.close()
        }
        try body(near, far)
    }
}

/// Waits for the end of a Task, in a green thread.
private func outcome<Success>(of task: Task<Success, any Error>) throws -> Result<Success, any Error> {
    let promise = Promise<Result<Success, any Error>>()
    Task { try promise.send(.success(await task.result)) }
    return try promise.wait()
}

@Suite("Sequences of a hub in async functions")
struct HubSequenceTests {
    @Test
    func `return the lines of a socket until its end`() async throws {
        try await withPair { near, far in
            let lines = near.lines.values
            let task = Task { try await lines.reduce(into: []) { $0.append($1) } }
            for number in 0..<50 {
                try far.write("line \(number)\n")
            }
            far.close()
            #expect(try outcome(of: task).get() == (0..<50).map { "line \($0)" })
        }
    }

    @Test
    func `return the bytes of a socket, in chunks of a limited size`() async throws {
        try await withPair { near, far in
            let chunks = near.chunks(upTo: 1000).values
            let task = Task {
                try await chunks.reduce(into: [] as [UInt8]) { bytes, chunk in
                    #expect(!chunk.isEmpty && chunk.count <= 1000)
                    bytes += chunk
                }
            }
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            try far.write(bytes)
            far.close()
            #expect(try outcome(of: task).get() == bytes)
            #expect(near.chunks().map { try? $0.get() } == [])
        }
    }

    @Test
    func `read nothing ahead, so that the hub gets what follows`() async throws {
        try await withPair { near, far in
            try far.write("one\ntwo\nthree\n")
            let lines = near.lines.values
            let task = Task { try await lines.first { $0 == "two" } }
            #expect(try outcome(of: task).get() == "two")
            #expect(try near.readLine() == "three")
        }
    }

    @Test
    func `throw CancellationError in a Task that is cancelled, and leave the socket usable`() async throws {
        try await withPair { near, far in
            let lines = near.lines.values
            let began = Promise<Void>()
            let task = Task {
                var received: [String] = []
                for try await line in lines {
                    received.append(line)
                    try began.send()
                }
                return received
            }
            try far.write("first\n")
            try began.wait()
            task.cancel()
            #expect(throws: CancellationError.self) { try outcome(of: task).get() }
            try far.write("second\n")
            #expect(try near.readLine() == "second")
        }
    }

    @Test
    func `throw the errors of the calls`() async throws {
        try await withPair { near, far in
            let (lines, chunks) = (near.lines.values, near.chunks(upTo: 0).values)
            near.close()
            let task = Task { for try await _ in lines {} }
            #expect(failure { try outcome(of: task).get() }?.code == .badFileDescriptor)
            let wrong = Task { for try await _ in chunks {} }
            #expect(failure { try outcome(of: wrong).get() }?.code == .invalidArgument)
        }
    }

    @Test
    func `return signals`() async throws {
        try await onNewHub {
            let signals = try Signals([.user2])
            let values = signals.values
            let task = Task { try await values.first { _ in true } }
            // To this OS thread, which blocks it.
            raise(SIGUSR2)
            #expect(try outcome(of: task).get() == .user2)
        }
    }
}
