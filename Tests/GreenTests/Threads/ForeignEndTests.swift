import Glibc
import Green
import Testing

private let count = 100

/// Objects that only their holders refer to, and what the test needs of each.
private func make<Value, Mark>(_ make: () throws -> (Value, Mark)) throws -> ([Holder<Value>], [Mark]) {
    var holders: [Holder<Value>] = []
    var marks: [Mark] = []
    for _ in 0..<count {
        let (value, mark) = try make()
        holders.append(Holder(value))
        marks.append(mark)
    }
    return (holders, marks)
}

/// The same with the hub of another OS thread, which ends when the body has returned, or while it runs.
private func withLeftObjects<Value, Mark>(
    _ one: @escaping () throws -> (Value, Mark),
    whileHubEnds: Bool,
    _ body: ([Holder<Value>], [Mark]) throws -> Void
) throws {
    let gate = Gate()
    var left: ([Holder<Value>], [Mark])?
    let thread = OSThread {
        left = try? make(one)
        gate.open()
    }
    gate.pass()
    guard let (holders, marks) = left else { fatalError("cannot make the objects") }
    left = nil
    if !whileHubEnds {
        thread.join()
    }
    try body(holders, marks)
    if whileHubEnds {
        thread.join()
    }
}

private func pair() -> (Int32, Int32) {
    var ends: [Int32] = [0, 0]
    precondition(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    return (ends[0], ends[1])
}

private func isClosed(_ descriptor: Int32) -> Bool {
    fcntl(descriptor, F_GETFD) < 0
}

private func makeSocket() throws -> (Socket, Int32) {
    let (near, far) = pair()
    close(far)
    return (try Socket(adopting: FileDescriptor(rawValue: near)), near)
}

private func makeListener() throws -> (Listener, Int32) {
    let listener = try listen(on: "127.0.0.1:0")
    return (listener, try listener.fileDescriptor.rawValue)
}

private func makeFile() throws -> (GreenFile, Int32) {
    let (input, output) = try FileDescriptor.pipe()
    try input.close()
    return (try GreenFile(adopting: output), output.rawValue)
}

/// Ends objects elsewhere, and expects all descriptors to be closed. For a child process, where nothing else reuses the
/// numbers.
private func expectAllClosed<Value>(_ one: @escaping () throws -> (Value, Int32)) throws {
    _ = try one()
    for place in Elsewhere.allCases {
        try settle()
        let before = try Residue()
        let (holders, descriptors) = try make(one)
        place.end(holders)
        // The hub closes them, not the other OS thread.
        precondition(!descriptors.contains(where: isClosed))
        try until { descriptors.allSatisfy(isClosed) }
        try until { try Residue() == before }

        try withLeftObjects(one, whileHubEnds: false) { holders, descriptors in
            place.end(holders)
            precondition(descriptors.allSatisfy(isClosed))
        }
        var all: [Int32] = []
        try withLeftObjects(one, whileHubEnds: true) { holders, descriptors in
            place.end(holders)
            all = descriptors
        }
        precondition(all.allSatisfy(isClosed))
    }
}

/// The bytes that malloc() has given out. Nothing else can be asked in Swift than its report.
private func usedMemory() throws -> Int {
    typealias Report = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
    guard let report = unsafe dlsym(nil, "malloc_info") else { throw Errno(rawValue: ENOSYS) }
    var (text, size): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
    guard let file = unsafe open_memstream(&text, &size) else { throw Errno(rawValue: errno) }
    _ = unsafe unsafeBitCast(report, to: Report.self)(0, file)
    unsafe fclose(file)
    defer { unsafe free(text) }
    // The totals of all arenas come last.
    func last(_ name: String) -> Int {
        let line = unsafe String(cString: text!).split(separator: "\n").last { $0.hasPrefix("<\(name)") }
        return Int(line?.split(separator: "\"").last { Int($0) != nil } ?? "") ?? 0
    }
    return last("system type=\"current") - last("total type=\"fast") - last("total type=\"rest")
}

/// Ends many objects elsewhere, and expects that their memory is free then.
private func expectNoLeak<Value>(_ one: @escaping () throws -> Value) throws {
    for place in Elsewhere.allCases {
        func endMany() throws {
            for _ in 0..<20 {
                place.end(try make { (try one(), ()) }.0)
                try settle()
            }
        }
        try endMany()
        let before = try Residue()
        let used = try usedMemory()
        try endMany()
        try until { try Residue() == before }
        // 2000 objects.
        let now = try usedMemory()
        guard now < used + 2000 * 16 else { fatalError("\(now) bytes of \(Value.self) in use, before \(used)") }
        // A hub that ends while objects use it keeps memory of its own, so this only must not crash.
        for whileHubEnds in [false, true] {
            try withLeftObjects({ (try one(), ()) }, whileHubEnds: whileHubEnds) { holders, _ in place.end(holders) }
        }
    }
}

@Suite("An object whose last reference ends on another OS thread")
struct ForeignEndTests {
    @Test
    func `is closed if it is a socket`() async {
        await #expect(processExitsWith: .success) { inChild { try expectAllClosed(makeSocket) } }
    }

    @Test
    func `is closed if it is a listener`() async {
        await #expect(processExitsWith: .success) { inChild { try expectAllClosed(makeListener) } }
    }

    @Test
    func `is closed if it is a file`() async {
        await #expect(processExitsWith: .success) { inChild { try expectAllClosed(makeFile) } }
    }

    @Test
    func `may be captured by a task, in Swift 6, without a warning`() throws {
        try onHub { () throws in
            var peers: [Socket] = []
            for _ in 0..<count {
                let (near, far) = pair()
                peers.append(try Socket(adopting: FileDescriptor(rawValue: far)))
                let socket = try Socket(adopting: FileDescriptor(rawValue: near))
                detachTask { withExtendedLifetime(socket) {} }
            }
            for peer in peers {
                peer.readTimeout = .seconds(60)
                #expect(try peer.read(upTo: 1) == [])
            }
        }
    }

    @Test(arguments: Elsewhere.allCases)
    func `is released if it is a thread, which continues`(place: Elsewhere) throws {
        try onHub { () throws in
            let (ran, before) = (Count(), try Residue())
            place.end((0..<count).map { _ in Holder(spawn { ran.add() }) })
            let ended = try (0..<count).map { _ in
                let thread = spawn { ran.add() }
                try thread.wait()
                return Holder(thread)
            }
            place.end(ended)
            try until { ran.value == 2 * count }
            try until { try Residue() == before }
        }
    }

    @Test
    func `is released if it is a thread of a hub that ends`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                for place in Elsewhere.allCases {
                    for whileHubEnds in [false, true] {
                        let gone = Count()
                        try withLeftObjects(
                            {
                                let thread = spawn { Guest(gone) }
                                try thread.wait()
                                return (thread, ())
                            },
                            whileHubEnds: whileHubEnds
                        ) { holders, _ in place.end(holders) }
                        precondition(gone.value == count)
                        try withLeftObjects(
                            { (spawn { try GreenThread.sleep(for: .seconds(1000)) }, ()) },
                            whileHubEnds: whileHubEnds
                        ) { holders, _ in place.end(holders) }
                    }
                }
            }
        }
    }

    @Test(arguments: Elsewhere.allCases)
    func `destroys its items on its hub if it is a queue`(place: Elsewhere) throws {
        try onHub { () throws in
            let (gone, before) = (Count(), try Residue())
            var queues: [Holder<Queue<Guest>>] = []
            for number in 0..<count {
                let queue = number % 2 == 0 ? Queue<Guest>() : PriorityQueue<Guest> { $0.number < $1.number }
                for number in 0..<10 {
                    try queue.put(Guest(gone, number: number))
                }
                queues.append(Holder(queue))
            }
            place.end(queues)
            #expect(gone.value == 0)
            try until { gone.value == 10 * count }
            try until { try Residue() == before }
        }
    }

    /// In a child process, because a hub of another test may have the address of one that has ended.
    @Test
    func `destroys its items at once if it is a queue whose hub has ended`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                for place in Elsewhere.allCases {
                    let gone = Count()
                    try withLeftObjects(
                        {
                            let queue = Queue<Guest>()
                            try queue.put(Guest(gone))
                            return (queue, ())
                        },
                        whileHubEnds: false
                    ) { holders, _ in place.end(holders) }
                    precondition(gone.value == count)
                }
            }
        }
    }

    @Test
    func `is freed if it is a queue, an event or a semaphore`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                try expectNoLeak {
                    let queue = Queue<Int>(capacity: 1)
                    try queue.put(1)
                    return queue
                }
                try expectNoLeak {
                    let event = Event<Int>()
                    try event.send(1)
                    return event
                }
                try expectNoLeak {
                    let semaphore = Semaphore(permits: 1)
                    try semaphore.acquire()
                    return semaphore
                }
            }
        }
    }

    @Test
    func `is freed if it is a pool, a pile, a group or a timeout`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                try expectNoLeak {
                    let pool = GreenPool(size: 2)
                    try pool.waitAll()
                    return pool
                }
                try expectNoLeak {
                    let pile = GreenPile<Int>(GreenPool(size: 2))
                    try pile.spawn { 1 }
                    try settle()
                    return pile
                }
                try expectNoLeak {
                    let thread = spawn {}
                    try thread.wait()
                    return GreenGroup([thread])
                }
                try expectNoLeak {
                    let timeout = Timeout(.seconds(1000))
                    timeout.cancel()
                    return timeout
                }
            }
        }
    }
}
