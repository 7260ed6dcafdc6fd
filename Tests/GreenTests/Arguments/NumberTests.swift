import Green
import Testing

/// Each call gets the same numbers. Invalid numbers are errors; no number traps or causes an allocation of its size.
@Suite("A number of any size")
struct NumberTests {
    private static let numbers: [Int] = [.min, -1, 0, 1, 70_000, 1 << 40, .max]

    /// A socket with a line, part of another, and the end of the stream.
    private func socket() throws -> Socket {
        let (near, far) = try Socket.pair()
        try far.write("line\npart")
        far.close()
        return near
    }

    private func file() throws -> GreenFile {
        let temporary = try TemporaryFile("contents")
        return try GreenFile.open(FilePath(temporary.path), .readWrite)
    }

    private func datagrams() throws -> Socket {
        let socket = try Socket.datagram(at: .loopback())
        try socket.send([1, 2, 3], to: socket.localAddress)
        return socket
    }

    /// Calls that throw: the argument, its minimum, and the call.
    private var calls: [(argument: String, least: Int, call: (Int) throws -> Void)] {
        [
            ("limit", 1, { _ = try socket().readLine(limit: $0) }),
            ("count", 0, { _ = try socket().read(upTo: $0) }),
            ("count", 0, { _ = try socket().readExactly($0) }),
            ("count", 0, { _ = try datagrams().receive(upTo: $0) }),
            ("backlog", 1, { try listen(on: "127.0.0.1:0", backlog: $0).close() }),
            ("backlog", 1, { try listen(on: SocketAddress.loopback(), backlog: $0).close() }),
            ("concurrency", 1, { try serveNobody(concurrency: $0) }),
            (
                "backlog", 1,
                { number in try stopped { try Server(on: "127.0.0.1:0", hubs: $0, backlog: number) { _, _ in } } }
            ),
            (
                "concurrency", 1,
                { number in try stopped { try Server(on: "127.0.0.1:0", hubs: $0, concurrency: number) { _, _ in } } }
            ),
            ("count", 0, { _ = try file().read(upTo: $0) }),
            ("count", 0, { _ = try file().read(fromAbsoluteOffset: 1, upTo: $0) }),
            ("limit", 0, { _ = try file().readAll(limit: $0) }),
            ("limit", 0, { _ = try run("true", limit: $0) }),
            ("entries", 1, { number in try onOwnHub { try Hub.open(entries: number) } }),
            ("receiveMemory", 1, { number in try onOwnHub { try Hub.open(receiveMemory: number) } }),
            ("warmStacks", 1, { number in try onOwnHub { try Hub.open(warmStacks: number) } }),
        ]
    }

    private func serveNobody(concurrency: Int) throws {
        let listener = try listen(on: "127.0.0.1:0")
        listener.close()
        try serve(listener, concurrency: concurrency) { _, _ in }
    }

    /// Starts a server on a hub of its own, and stops it.
    private func stopped(_ start: (HubPool) throws -> Server) throws {
        let hubs = try HubPool(count: 1)
        defer { _ = try? hubs.close(drainingFor: .zero) }
        try start(hubs).stop(drainingFor: .zero)
    }

    private func onOwnHub(_ body: @escaping () throws -> Void) throws {
        var result: Result<Void, any Error> = .success(())
        onAnotherThread { result = Result { try body() } }
        try result.get()
    }

    @Test
    func `is an error that names the argument if it is too small`() throws {
        try onHub { () throws in
            for (index, (argument, least, call)) in calls.enumerated() {
                for number in NumberTests.numbers {
                    let error = failure { try call(number) }
                    let says = error?.message ?? "no error"
                    let isRefused = error?.code == .invalidArgument && says.hasPrefix("\(argument): \(number) ")
                    #expect(isRefused == (number < least), "call \(index), \(argument) \(number): \(says)")
                }
            }
        }
    }

    @Test
    func `returns what is available if it is large`() throws {
        try onHub { () throws in
            #expect(try socket().readLine(limit: .max) == "line")
            #expect(try socket().read(upTo: .max) == Array("line\npart".utf8))
            #expect(failure { try socket().readExactly(.max) }?.code == .noData)
            #expect(try datagrams().receive(upTo: .max).bytes == [1, 2, 3])
            #expect(try datagrams().receive(upTo: 0).isTruncated)
            #expect(try file().read(upTo: .max) == Array("contents".utf8))
            #expect(try file().read(fromAbsoluteOffset: 3, upTo: .max) == Array("tents".utf8))
            #expect(try file().readAll(limit: .max) == Array("contents".utf8))
            #expect(try run("echo", arguments: ["x"], limit: .max).text == "x\n")
        }
    }

    @Test
    func `returns nothing for 0, and does not wait`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            #expect(try near.read(upTo: 0) == [])
            #expect(try near.readExactly(0) == [])
            try far.write("x")
            #expect(try near.read(upTo: 1) == [UInt8(ascii: "x")])
        }
    }

    @Test
    func `larger than any buffer is read from a socket and a file as bytes arrive`() throws {
        try onHub { () throws in
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let (near, far) = try Socket.pair()
            let writer = spawn { try far.write(bytes + [1]) }
            let isSame = try near.readExactly(bytes.count) == bytes
            #expect(isSame)
            #expect(try near.readExactly(1) == [1])
            try writer.wait()

            let temporary = try TemporaryFile("")
            let file = try GreenFile.open(FilePath(temporary.path), .readWrite)
            try file.write(bytes)
            try file.seek(to: 10)
            let isRest = try file.read(upTo: .max) == Array(bytes[10...])
            #expect(isRest)
            #expect(try file.position == Int64(bytes.count))
            let isPart = try file.read(fromAbsoluteOffset: 5, upTo: 2_000_000) == Array(bytes[5..<2_000_005])
            #expect(isPart)
        }
    }

    @Test
    func `is refused as an invalid consumed count, and no bytes are lost`() throws {
        try onHub { () throws in
            let socket = try socket()
            for number in [Int.min, -1, 10, .max] {
                let error = failure { try socket.withReceived { _, consumed in consumed = number } }
                #expect(error?.code == .invalidArgument, "\(number)")
            }
            #expect(try socket.readLine() == "line")
        }
    }

    @Test
    func `as an offset is at worst an error`() throws {
        try onHub { () throws in
            for number in [Int64.min, -1, .max] {
                let file = try file()
                #expect(failure { try file.seek(to: number) }?.code == (number < 0 ? .invalidArgument : nil))
                #expect(failure { try file.read(fromAbsoluteOffset: number, upTo: 8) }?.code != .badAddress)
                #expect(failure { try file.write(toAbsoluteOffset: number, [1]) } != nil)
                if number < 0 {
                    #expect(failure { try file.resize(to: number) }?.code == .invalidArgument)
                }
            }
        }
    }

    @Test
    func `as a stack size is raised to the minimum, or exceeds the memory`() throws {
        try onHub { () throws in
            for number in NumberTests.numbers {
                let thread = spawn(stackSize: number) { 1 }
                let pooled = try GreenPool(size: 1, stackSize: number).spawn { 1 }
                let remote = try Hub.current.spawn(stackSize: number) { 1 }
                for wait in [{ try thread.wait() }, { try pooled.wait() }, { try remote.wait() }] {
                    // On some machines the second largest size fits in the address space.
                    let error = failure { try wait() }
                    #expect(error?.code == (number == .max ? .noMemory : nil) || number == 1 << 40, "\(number)")
                }
            }
        }
    }

    @Test
    func `as a capacity, a size or a number of permits uses no memory`() throws {
        try onHub { () throws in
            for queue in [Queue<Int>(capacity: .max), LIFOQueue(capacity: .max), PriorityQueue(capacity: .max)] {
                try queue.put(1)
                #expect(try queue.get() == 1)
                queue.resize(capacity: .max)
                #expect(queue.capacity == .max)
            }
            let pool = GreenPool(size: .max)
            #expect(try pool.spawn { 1 }.wait() == 1)
            pool.resize(to: .max)
            let pile = GreenPile<Int>(size: .max)
            try pile.spawn { 1 }
            #expect(try pile.next() == 1)
            try Semaphore(permits: .max).acquire()
            try BoundedSemaphore(permits: .max).acquire()
            try CappedSemaphore(permits: .max, limit: .max).acquire()
            let resources = try ResourcePool(maximum: .max) { 1 }
            #expect(try resources.withItem { $0 } == 1)
            resources.resize(to: .max)
            #expect(try OffloadPool(threads: .max, queueLimit: .max).run { 1 } == 1)
        }
    }

    @Test
    func `too small for an offload pool ends the process with a message`() async throws {
        let threads = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = OffloadPool(threads: 0)
        }
        let queue = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = OffloadPool(queueLimit: -1)
        }
        let texts = [threads, queue].map { String(decoding: $0.standardErrorContent, as: UTF8.self) }
        #expect(texts[0].contains("an OffloadPool cannot have 0 workers"), "\(texts[0])")
        #expect(texts[1].contains("the queue of an OffloadPool cannot be limited to -1 calls"), "\(texts[1])")
    }

    @Test
    func `as a system number is an error`() throws {
        try onHub { () throws in
            for number in [Int32.min, -1, .max] {
                let descriptor = FileDescriptor(rawValue: number)
                #expect(failure { try Socket(adopting: descriptor) }?.code == .badFileDescriptor)
                #expect(failure { try Listener(adopting: descriptor) }?.code == .badFileDescriptor)
                #expect(failure { try GreenFile(adopting: descriptor) }?.code == .badFileDescriptor)
                #expect(failure { try GreenThread.wait(for: descriptor, .readable) }?.code == .badFileDescriptor)
                #expect(failure { try Signals([Signal(rawValue: number)]) }?.code == .invalidArgument)
                #expect(failure { try Monitor.dumpAll(on: Signal(rawValue: number)) }?.code == .invalidArgument)
                #expect(failure { try socket().option(SocketOption<Int>(level: number, name: number)) } != nil)
                let child = try GreenProcess("sleep", arguments: ["1000"])
                #expect(failure { try child.send(Signal(rawValue: number)) }?.code == .invalidArgument)
                try child.send(.kill)
                _ = try child.wait()
            }
            #expect(failure { try Monitor.dumpAll(on: Signal(rawValue: 0)) }?.code == .invalidArgument)
            #expect(failure { try monkeyPatch(PatchedCalls(rawValue: .max)) }?.code == .invalidArgument)
            for size in [Int.min, -1, 0, .max] {
                _ = failure { try socket().setOption(.receiveBufferSize, to: size) }
            }
            #if TLS
            for version in [1, UInt32.max] {
                #expect(throws: (any Error).self) {
                    try TLS.client { $0.common.minimumVersion = TLS.Version(rawValue: version) }
                }
            }
            #endif
        }
    }
}
