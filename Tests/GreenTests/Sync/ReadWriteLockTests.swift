import Green
import Testing

@Suite("A read-write lock")
struct ReadWriteLockTests {
    @Test
    func `admits several readers or one writer`() throws {
        try onHub { () throws in
            let lock = GreenReadWriteLock(0)
            var most = 0
            let threads = (0..<100).map { number in
                spawn {
                    if number % 5 == 0 {
                        try lock.withWriteLock { value in
                            #expect(lock.isLockedForWriting)
                            #expect(lock.readerCount == 0)
                            let before = value
                            try GreenThread.yield()
                            value = before + 1
                        }
                    } else {
                        try lock.withReadLock { value in
                            #expect(!lock.isLockedForWriting)
                            most = max(most, lock.readerCount)
                            let before = value
                            try GreenThread.yield()
                            #expect(value == before)
                        }
                    }
                }
            }
            try GreenThread.wait(all: threads)
            #expect(most == 4)
            #expect(try lock.withReadLock { $0 } == 20)
            #expect(lock.readerCount == 0)
        }
    }

    @Test
    func `does not starve a writer`() throws {
        try onHub { () throws in
            let lock = GreenReadWriteLock<[String]>([])
            var threads: [GreenThread<Void>] = []
            var order: [String] = []
            try lock.withReadLock { _ in
                threads.append(spawn { try lock.withWriteLock { _ in order.append("writer") } })
                try settle()
                threads.append(spawn { try lock.withReadLock { _ in order.append("reader") } })
                try settle()
                #expect(lock.waitingCount == 2)
            }
            try GreenThread.wait(all: threads)
            #expect(order == ["writer", "reader"])
        }
    }

    @Test
    func `gives up after the timeout or a kill, and is unlocked however its scope ends`() throws {
        try onHub { () throws in
            let lock = GreenReadWriteLock(0)
            try lock.withWriteLock { _ in
                let killed = spawn { try lock.withReadLock { $0 } }
                let timed = spawn { try lock.withWriteLock(timeout: .milliseconds(1)) { $0 } }
                let now = spawn { try lock.withReadLock(timeout: .zero) { $0 } }
                try settle()
                try killed.kill(waitingForEnd: true)
                #expect(failure { try timed.wait() }?.code == .timedOut)
                #expect(failure { try now.wait() }?.code == .timedOut)
                #expect(throws: DeadlockError.self) { try lock.withReadLock { $0 } }
            }
            #expect(throws: Mistake(number: 1)) { try lock.withWriteLock { _ in throw Mistake(number: 1) } }
            #expect(throws: Mistake(number: 2)) { try lock.withReadLock { _ in throw Mistake(number: 2) } }
            #expect((lock.readerCount, lock.waitingCount) == (0, 0))
            #expect(!lock.isLockedForWriting)
        }
    }

    @Test
    func `refuses another OS thread`() async throws {
        await #expect(processExitsWith: .success) {
            inChild {
                let lock = GreenReadWriteLock(0)
                try lock.withReadLock { _ in
                    onAnotherThread { precondition(failure { try lock.withReadLock { _ in } }?.code == .improperLink) }
                    onAnotherThread { precondition(failure { try lock.withWriteLock { _ in } }?.code == .improperLink) }
                }
            }
        }
    }
}
