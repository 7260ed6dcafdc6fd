import Green
import Testing

/// Optimised code may release an object at its last use. So each test drops the object in the call that reads the
/// value.
@Suite("A value with heap storage outlives the object that held it")
struct HeapResultTests {
    /// Text that exceeds the 15 bytes stored in a string itself.
    private func text(_ number: Int) -> String {
        "value \(number) with storage on the heap"
    }

    /// Exceeds the inline storage of a thread, with several references.
    private struct Record: Equatable {
        var name: String
        var lines: [String]
        var notes: [Int: String]
        var tail: String
    }

    private func record(_ number: Int) -> Record {
        Record(name: text(number), lines: [text(number)], notes: [number: text(number)], tail: text(number + 1))
    }

    /// Overwrites memory that was freed too early.
    private func churn() -> [String] {
        (0..<8).map { "something else \($0) in the same place" }
    }

    private func check<Value: Equatable>(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ make: @escaping (Int) -> Value,
        _ read: @escaping (Int) throws -> Value
    ) throws {
        try onHub(sourceLocation: sourceLocation) {
            for number in 0..<50 {
                let value = try read(number)
                let filler = churn()
                #expect(value == make(number), sourceLocation: sourceLocation)
                withExtendedLifetime(filler) {}
            }
        }
    }

    @Test
    func `returned by a thread`() throws {
        try check(text) { number in try spawn { text(number) }.wait() }
        try check(record) { number in try spawn { record(number) }.wait() }
    }

    @Test
    func `returned by a thread that had ended`() throws {
        try check(text) { number in
            let thread = spawn { text(number) }
            try GreenThread.yield()
            return try thread.wait()
        }
    }

    @Test
    func `returned by the first thread to end, or by all`() throws {
        try check(text) { number in try GreenThread.wait(any: [spawn { text(number) }]).wait() }
        try check(text) { number in try GreenThread.wait(all: [spawn { text(number) }])[0] }
        try check(record) { number in try GreenThread.wait(any: [spawn { record(number) }]).wait() }
    }

    @Test
    func `returned by a thread of a group`() throws {
        try check(text) { number in try GreenGroup([spawn { text(number) }]).next()!.wait() }
    }

    @Test
    func `returned by a thread of a pool`() throws {
        try check(text) { number in try GreenPool(size: 2).spawn { text(number) }.wait() }
        try check(record) { number in try GreenPool(size: 2).spawn { record(number) }.wait() }
    }

    @Test
    func `returned for an element of a map`() throws {
        try check(text) { number in try GreenPool(size: 2).map([number]) { text($0) }.next()! }
        try check(text) { number in try GreenPool(size: 2).mapUnordered([number]) { text($0) }.next()! }
        try check(text) { number in try GreenPool(size: 2).map([number]) { text($0) }.map { try $0.get() }[0] }
        try check(record) { number in try GreenPool(size: 2).map([number]) { record($0) }.nextResult()!.get() }
    }

    @Test
    func `returned by a function of a pile`() throws {
        try check(text) { number in
            let pile = GreenPile<String>(size: 2)
            try pile.spawn { text(number) }
            return try pile.next()!
        }
        try check(record) { number in
            let pile = GreenPile<Record>(size: 2)
            try pile.spawn { record(number) }
            return try pile.nextResult()!.get()
        }
    }

    @Test
    func `thrown by a thread`() throws {
        struct Failure: Error {
            let text: String
        }
        try check(text) { number in
            do {
                try spawn { throw Failure(text: text(number)) }.wait()
                return ""
            } catch let failure as Failure {
                return failure.text
            }
        }
    }

    @Test
    func `sent by an event`() throws {
        try check(text) { number in
            let event = Event<String>()
            try event.send(text(number))
            return try event.wait()
        }
        try check(record) { number in
            let event = Event<Record>()
            spawn { try event.send(record(number)) }
            return try event.wait()
        }
    }

    @Test
    func `taken from a queue`() throws {
        try check(text) { number in
            let queue = Queue<String>()
            try queue.put(text(number))
            return try queue.get()
        }
        try check(text) { number in
            let queue = LIFOQueue<String>(capacity: 2)
            try queue.put(text(number))
            return try queue.tryGet()!
        }
        try check(text) { number in
            let queue = PriorityQueue<String>()
            try queue.put(text(number))
            return try queue.next()!
        }
        try check(record) { number in
            let rendezvous = Queue<Record>(capacity: 0)
            spawn { try rendezvous.put(record(number)) }
            return try rendezvous.get()
        }
    }

    @Test
    func `received from a channel`() throws {
        for capacity in [nil, 2] {
            try check(text) { number in
                let channel = Channel<String>(capacity: capacity)
                try channel.send(text(number))
                return try channel.receive()
            }
            try check(record) { number in
                let channel = Channel<Record>(capacity: capacity)
                #expect(try channel.trySend(record(number)))
                return try channel.tryReceive()!
            }
        }
        try check(record) { number in
            let channel = Channel<Record>(capacity: 0)
            spawn { try channel.send(record(number)) }
            return try channel.next()!
        }
        try check(text) { number in
            let channel = Channel<String>()
            let value = text(number)
            onAnotherThread { try? channel.send(value) }
            return try channel.receive()
        }
    }

    @Test
    func `sent by a promise`() throws {
        try check(text) { number in
            let promise = Promise<String>()
            try promise.send(text(number))
            return try promise.wait()
        }
        try check(record) { number in
            try withPromise { promise in
                let value = record(number)
                onAnotherThread { try? promise.send(value) }
            }
        }
        try check(text) { number in
            let promise = Promise<String>()
            spawn { try promise.send(text(number)) }
            return try promise.wait()
        }
    }

    @Test
    func `returned or thrown by a thread of another hub`() throws {
        struct Failure: Error {
            let text: String
        }
        try withHubs { hubs throws in
            let hub = hubs[0]
            for number in 0..<50 {
                let (text, record) = (text(number), record(number))
                let (found, other) = try (hub.spawn { text + "" }.wait(), hub.spawn { record }.wait())
                let filler = churn()
                #expect(found == text)
                #expect(other == record)
                #expect(throws: Failure.self) { try hub.spawn { throw Failure(text: text) }.wait() }
                withExtendedLifetime(filler) {}
            }
        }
        try check(text) { number in
            let value = text(number)
            return try Hub.current.spawn { value }.wait()
        }
    }

    @Test
    func `left in a queue that is dropped`() throws {
        try onHub {
            for number in 0..<50 {
                let queue = Queue<String>()
                try queue.put(text(number))
                try queue.put(text(number + 1))
            }
        }
    }

    @Test
    func `kept by a thread-local variable`() throws {
        try check(text) { number in
            let local = GreenLocal<String>()
            return local.withValue(text(number)) { local.value! }
        }
    }

    @Test
    func `returned by an offloaded function`() throws {
        let text: @Sendable (Int) -> String = { "value \($0) with storage on the heap" }
        try check(text) { number in try offload { text(number) } }
        try check(text) { number in try OffloadPool(threads: 1).run { text(number) } }
    }

    @Test
    func `supplied by a node of a graph`() throws {
        try check(text) { number in
            let pool = DAGPool<String, String>()
            try pool.spawn("key", dependsOn: []) { _ in text(number) }
            return try pool.value(for: "key")
        }
    }

    @Test
    func `created by a resource pool`() throws {
        try check(text) { number in
            try ResourcePool<String>(create: { text(number) }).withItem { $0 }
        }
    }

    @Test
    func `read from a socket that is dropped`() throws {
        try check(text) { number in
            let (near, far) = try Socket.pair()
            try near.write(text(number) + "\n")
            return try far.readLine()!
        }
    }

    @Test
    func `whose deinitialiser uses its thread`() throws {
        final class Inquirer {
            let told: (String) -> Void

            init(_ told: @escaping (String) -> Void) {
                self.told = told
            }

            deinit {
                told(GreenThread.current.name)
            }
        }
        try onHub {
            var name = ""
            spawn(name: "a thread without a handle") { Inquirer { name = $0 } }
            try GreenThread.yield()
            #expect(name == "a thread without a handle")
        }
    }
}
