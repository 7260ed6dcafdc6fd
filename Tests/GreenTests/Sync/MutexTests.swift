import Glibc
import Green
import Synchronization
import Testing

@Suite("A mutex")
struct MutexTests {
    @Test
    func `protects its value across blocking calls`() throws {
        try onHub { () throws in
            let mutex = GreenMutex(0)
            let threads = (0..<100).map { number in
                spawn {
                    try mutex.withLock { count in
                        let before = count
                        for _ in 0..<number % 4 {
                            try GreenThread.yield()
                        }
                        count = before + 1
                    }
                }
            }
            try GreenThread.wait(all: threads)
            #expect(try mutex.withLock { $0 } == 100)
            #expect(!mutex.isLocked)
        }
    }

    @Test
    func `is unlocked however its scope ends`() throws {
        try onHub { () throws in
            let mutex = GreenMutex("a")
            #expect(
                try mutex.withLock { (value: inout String) -> Bool in
                    value += "b"; return mutex.isLocked
                }
            )
            #expect(throws: Mistake(number: 1)) {
                try mutex.withLock { value in
                    value += "c"
                    throw Mistake(number: 1)
                }
            }
            let killed = spawn { try mutex.withLock { _ in try GreenThread.sleep(for: .seconds(1000)) } }
            try settle()
            #expect(mutex.isLocked)
            try killed.kill(waitingForEnd: true)
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(1)) {
                    try mutex.withLock { _ in try GreenThread.sleep(for: .seconds(1000)) }
                }
            }
            #expect(!mutex.isLocked)
            #expect(try mutex.withLock { $0 } == "abc")
        }
    }

    @Test
    func `serves waiters first come, first served, and skips those that gave up`() throws {
        try onHub { () throws in
            let mutex = GreenMutex<[Int]>([])
            var threads: [GreenThread<Void>] = []
            try mutex.withLock { _ in
                threads = (0..<5).map { number in spawn { try mutex.withLock { $0.append(number) } } }
                try settle()
                #expect(mutex.waitingCount == 5)
                try threads[0].kill(waitingForEnd: true)
                try threads[3].kill(throwing: Mistake(number: 3), waitingForEnd: true)
                #expect(mutex.waitingCount == 3)
            }
            #expect(mutex.withLockIfAvailable { _ in true } == nil, "the mutex belongs to the first waiter")
            #expect(throws: Mistake(number: 3)) { try threads[3].wait() }
            for number in [1, 2, 4] {
                try threads[number].wait()
            }
            #expect(try mutex.withLock { $0 } == [1, 2, 4])
        }
    }

    @Test
    func `gives up after the timeout, and names the holder`() throws {
        try onHub { () throws in
            let mutex = GreenMutex(0)
            let holder = spawn(name: "slow") { try mutex.withLock { _ in try GreenThread.sleep(for: .seconds(1000)) } }
            try settle()
            var ran = false
            let now = failure { try mutex.withLock(timeout: .zero) { _ in ran = true } }
            #expect(now?.code == .timedOut)
            #expect(now?.message.contains("'slow' holds it") == true)
            let later = failure { try mutex.withLock(timeout: .milliseconds(1)) { _ in ran = true } }
            #expect(later?.message.contains("'slow' did not unlock it within 1 ms") == true)
            #expect(!ran)
            try holder.kill(waitingForEnd: true)
            try mutex.withLock(timeout: .zero) { _ in ran = true }
            #expect(ran)
        }
    }

    @Test
    func `throws a deadlock error if its holder locks it again`() throws {
        try onHub { () throws in
            let mutex = GreenMutex(1)
            try mutex.withLock { _ in
                let error = #expect(throws: DeadlockError.self) { try mutex.withLock { _ in } }
                #expect(error?.message.contains("cannot lock a mutex that it holds already") == true)
                #expect(mutex.withLockIfAvailable { $0 } == nil)
                #expect(mutex.isLocked)
            }
            #expect(!mutex.isLocked)
        }
    }

    @Test
    func `is locked without blocking if it is available, and throws only what the body throws`() throws {
        try onHub { () throws in
            let mutex = GreenMutex(1)
            #expect(mutex.withLockIfAvailable { $0 + 1 } == 2)
            func attempt() throws(Mistake) {
                _ = try mutex.withLockIfAvailable { (_: inout Int) throws(Mistake) in throw Mistake(number: 2) }
            }
            #expect(throws: Mistake(number: 2)) { try attempt() }
            #expect(!mutex.isLocked)
        }
    }

    struct Unique: ~Copyable {
        var number: Int
    }

    @Test
    func `protects a value that cannot be copied, and returns one`() throws {
        try onHub { () throws in
            let mutex = GreenMutex(Unique(number: 1))
            let taken = try mutex.withLock { value in
                let taken = Unique(number: value.number)
                value = Unique(number: 5)
                return taken
            }
            let number = taken.number
            #expect(number == 1)
            #expect(try mutex.withLock { $0.number } == 5)
        }
    }

    @Test
    func `names its holder in dumps`() throws {
        try onHub { () throws in
            let (near, far) = try Socket.pair()
            let mutex = GreenMutex(0)
            let holder = spawn(name: "worker") {
                try mutex.withLock { _ in try GreenThread.sleep(for: .seconds(1000)) }
            }
            let waiter = spawn { try mutex.withLock { $0 } }
            try settle()
            try GreenThread.dumpAll(to: near.fileDescriptor)
            near.close()
            var dump = ""
            while let line = try far.readLine() { dump += line + "\n" }
            #expect(dump.contains("locking a mutex held by thread \(holder.id) 'worker'"), "\(dump)")
            try holder.kill(waitingForEnd: true)
            #expect(try waiter.wait() == 0)
            far.close()
        }
    }

    @Test
    func `refuses another OS thread`() async throws {
        await #expect(processExitsWith: .success) {
            inChild {
                let mutex = GreenMutex(0)
                try mutex.withLock { _ in
                    onAnotherThread { precondition(failure { try mutex.withLock { _ in } }?.code == .improperLink) }
                }
            }
        }
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let mutex = GreenMutex(0)
                try mutex.withLock { _ in }
                onAnotherThread { mutex.withLockIfAvailable { _ in } }
            }
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("this mutex lives on another OS thread"), "\(text)")
    }
}

@Suite("A condition of a mutex's value")
struct MutexConditionTests {
    @Test
    func `is waited for, in the order of the calls`() throws {
        try onHub { () throws in
            let jobs = GreenMutex<[Int]>([])
            var done: [String] = []
            let workers = ["a", "b"].map { name in
                spawn {
                    for _ in 0..<2 {
                        let job = try jobs.withLock(when: { !$0.isEmpty }) { $0.removeFirst() }
                        done.append("\(name)\(job)")
                    }
                }
            }
            try settle()
            #expect(jobs.waitingCount == 2)
            #expect(!jobs.isLocked)
            for job in 1...4 {
                try jobs.withLock { $0.append(job) }
                try settle()
            }
            try GreenThread.wait(all: workers)
            #expect(done == ["a1", "b2", "a3", "b4"])
            #expect(jobs.waitingCount == 0)
        }
    }

    @Test
    func `holds while the body runs, and does not block if it holds already`() throws {
        try onHub { () throws in
            let mutex = GreenMutex(1)
            #expect(try mutex.withLock(when: { $0 == 1 }, timeout: .zero) { $0 } == 1)
            let thread = spawn {
                try mutex.withLock(when: { $0 == 2 }) { value in
                    try GreenThread.yield()
                    return value
                }
            }
            try settle()
            try mutex.withLock { $0 = 2 }
            let spoiler = spawn { try mutex.withLock { $0 = 3 } }
            #expect(try thread.wait() == 2)
            try spoiler.wait()
            #expect(try mutex.withLock { $0 } == 3)
        }
    }

    @Test
    func `that does not come true ends with the timeout or the kill, and the mutex is free`() throws {
        try onHub { () throws in
            let mutex = GreenMutex(0)
            var ran = false
            for timeout in [Duration.zero, .milliseconds(1)] {
                let error = failure { try mutex.withLock(when: { $0 == 1 }, timeout: timeout) { _ in ran = true } }
                #expect(error?.code == .timedOut)
                #expect(error?.message.contains("the condition for a mutex did not come true") == true)
            }
            let killed = spawn { try mutex.withLock(when: { $0 == 1 }) { _ in ran = true } }
            try settle()
            try killed.kill(waitingForEnd: true)
            #expect(throws: Mistake(number: 4)) {
                try mutex.withLock(when: { _ in throw Mistake(number: 4) }) { _ in ran = true }
            }
            #expect(!ran)
            #expect(!mutex.isLocked)
            #expect(mutex.waitingCount == 0)
            try mutex.withLock { $0 = 1 }
        }
    }

    @Test
    func `lasts no longer than its timeout, however often the value changes`() throws {
        try onHub { () throws in
            let mutex = GreenMutex(0)
            let waiter = spawn { try mutex.withLock(when: { $0 < 0 }, timeout: .milliseconds(20)) { $0 } }
            try settle()
            while !waiter.isFinished {
                try mutex.withLock { $0 += 1 }
                try GreenThread.yield()
            }
            #expect(failure { try waiter.wait() }?.code == .timedOut)
        }
    }

    @Test
    func `that can never come true is a deadlock error`() async throws {
        await #expect(processExitsWith: .success) {
            inChild {
                let mutex = GreenMutex(0)
                do {
                    try mutex.withLock(when: { $0 == 1 }) { _ in }
                    preconditionFailure("it returned")
                } catch is DeadlockError {}
                precondition(!mutex.isLocked)
            }
        }
    }

    @Test
    func `connects producers and consumers without a loss`() throws {
        try onHub { () throws in
            let buffer = GreenMutex<[Int]>([])
            let producers = (0..<5).map { producer in
                spawn {
                    for number in 0..<20 {
                        try buffer.withLock(when: { $0.count < 2 }) { $0.append(producer * 20 + number) }
                    }
                }
            }
            var taken: [Int] = []
            let consumers = (0..<5).map { _ in
                spawn {
                    for _ in 0..<20 {
                        taken.append(try buffer.withLock(when: { !$0.isEmpty }) { $0.removeFirst() })
                    }
                }
            }
            try GreenThread.wait(all: producers)
            try GreenThread.wait(all: consumers)
            #expect(taken.sorted() == Array(0..<100))
        }
    }
}

@Suite("Locks of the system")
struct SystemLockTests {
    @Test
    func `of the module Synchronization end the process if a second green thread locks one`() async throws {
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let box = Box()
                spawn { box.lock.withLock { _ in try? GreenThread.sleep(for: .seconds(1000)) } }
                try settle()
                box.lock.withLock { _ in }
            }
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("Recursive call to lock Mutex"), "\(text)")
    }

    private final class Box {
        let lock = Mutex(0)
    }
}
