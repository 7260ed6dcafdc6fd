import Green
import Testing

@Suite("A semaphore")
struct SemaphoreTests {
    @Test
    func `counts its permits`() throws {
        try onHub { () throws in
            let semaphore = Semaphore(permits: 2)
            func state() -> [Int] { [semaphore.permits, semaphore.waitingCount, semaphore.balance] }
            #expect(state() == [2, 0, 2])
            try semaphore.acquire()
            #expect(state() == [1, 0, 1])
            #expect(!semaphore.isLocked)
            #expect(semaphore.tryAcquire())
            #expect(state() == [0, 0, 0])
            #expect(semaphore.isLocked)
            #expect(!semaphore.tryAcquire())
            let waiters = (0..<2).map { _ in spawn { try semaphore.acquire() } }
            try settle()
            #expect(state() == [0, 2, -2])
            for _ in 0..<4 {
                semaphore.release()
            }
            #expect(state() == [2, 0, 2])
            for waiter in waiters {
                try waiter.wait()
            }
            #expect(Semaphore().permits == 1)
        }
    }

    @Test
    func `may begin without permits and get more later`() throws {
        try onHub { () throws in
            let semaphore = Semaphore(permits: 0)
            #expect(semaphore.isLocked)
            let waiter = spawn { try semaphore.acquire() }
            try settle()
            semaphore.release()
            try waiter.wait()
            for _ in 0..<100 {
                semaphore.release()
            }
            #expect(semaphore.permits == 100)
        }
    }

    @Test
    func `serves waiters first come, first served`() throws {
        try onHub { () throws in
            let semaphore = Semaphore()
            try semaphore.acquire()
            var order: [Int] = []
            let threads = (0..<4).map { number in
                spawn {
                    try semaphore.acquire()
                    order.append(number)
                }
            }
            try settle()
            semaphore.release()
            #expect(!semaphore.tryAcquire(), "the permit belongs to the first waiter")
            #expect(failure { try semaphore.acquire(timeout: .zero) }?.code == .timedOut)
            try settle()
            #expect(order == [0])
            for _ in 0..<3 {
                semaphore.release()
            }
            for thread in threads {
                try thread.wait()
            }
            #expect(order == [0, 1, 2, 3])
        }
    }

    @Test
    func `gives up after the timeout, and takes no permit`() throws {
        try onHub { () throws in
            let semaphore = Semaphore(permits: 0)
            #expect(failure { try semaphore.acquire(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try semaphore.acquire(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(semaphore.waitingCount == 0)
            semaphore.release()
            #expect(semaphore.permits == 1)
            try semaphore.acquire(timeout: .seconds(1000))
            #expect(semaphore.isLocked)
        }
    }

    @Test
    func `skips a killed waiter`() throws {
        try onHub { () throws in
            let semaphore = Semaphore(permits: 0)
            let killed = spawn { try semaphore.acquire() }
            let next = spawn { try semaphore.acquire() }
            try settle()
            try killed.kill(throwing: Mistake(number: 1))
            semaphore.release()
            try next.wait()
            #expect(throws: Mistake(number: 1)) { try killed.wait() }
            #expect(semaphore.permits == 0)
            #expect(semaphore.waitingCount == 0)
        }
    }

    @Test
    func `loses no permit if a thread is killed when it gets one`() throws {
        try onHub { () throws in
            let semaphore = Semaphore(permits: 0)
            let thread = spawn { try semaphore.withPermit { try GreenThread.sleep(for: .seconds(1000)) } }
            try settle()
            semaphore.release()
            try thread.kill(waitingForEnd: true)
            #expect(semaphore.permits == 1)
        }
    }

    @Test
    func `releases a permit however its scope ends`() throws {
        try onHub { () throws in
            let semaphore = Semaphore()
            #expect(try semaphore.withPermit { semaphore.permits } == 0)
            #expect(semaphore.permits == 1)
            #expect(throws: Mistake(number: 1)) { try semaphore.withPermit { throw Mistake(number: 1) } }
            #expect(semaphore.permits == 1)
            let killed = spawn { try semaphore.withPermit { try GreenThread.sleep(for: .seconds(1000)) } }
            let timed = spawn {
                try withTimeout(.milliseconds(1)) {
                    try semaphore.withPermit { try GreenThread.sleep(for: .seconds(1000)) }
                }
            }
            try settle()
            #expect(semaphore.permits == 0)
            try killed.kill(waitingForEnd: true)
            #expect(throws: Timeout.self) { try timed.wait() }
            #expect(semaphore.permits == 1)
        }
    }

    @Test
    func `does not run a scope that got no permit, and releases none for it`() throws {
        try onHub { () throws in
            let semaphore = Semaphore(permits: 0)
            var ran = false
            #expect(failure { try semaphore.withPermit(timeout: .zero) { ran = true } }?.code == .timedOut)
            let killed = spawn { try semaphore.withPermit { ran = true } }
            try settle()
            try killed.kill(waitingForEnd: true)
            #expect(!ran)
            #expect(semaphore.permits == 0)
        }
    }

    @Test
    func `admits no more threads than it has permits`() throws {
        try onHub { () throws in
            let semaphore = Semaphore(permits: 3)
            var inside = 0
            var most = 0
            let threads = (0..<100).map { number in
                spawn {
                    try semaphore.withPermit {
                        inside += 1
                        most = max(most, inside)
                        for _ in 0..<number % 4 {
                            try GreenThread.yield()
                        }
                        inside -= 1
                    }
                }
            }
            try GreenThread.wait(all: threads)
            #expect(most == 3)
            #expect(inside == 0)
            #expect(semaphore.permits == 3)
        }
    }

    @Test
    func `ends the process if the number of permits is negative`() async throws {
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = Semaphore(permits: -1)
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("a Semaphore cannot begin with -1 permits; give it 0 or more"), "\(text)")
    }

    @Test
    func `refuses another OS thread`() async throws {
        await #expect(processExitsWith: .success) {
            inChild {
                let semaphore = Semaphore()
                try semaphore.acquire()
                onAnotherThread { precondition(failure { try semaphore.acquire() }?.code == .improperLink) }
                let bounded = BoundedSemaphore()
                try bounded.acquire()
                onAnotherThread { precondition(failure { try bounded.release() }?.code == .improperLink) }
            }
        }
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let semaphore = Semaphore()
                try semaphore.acquire()
                onAnotherThread { semaphore.release() }
            }
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("semaphore lives on another OS thread"), "\(text)")
    }
}

@Suite("A bounded semaphore")
struct BoundedSemaphoreTests {
    @Test
    func `refuses one release too many`() throws {
        try onHub { () throws in
            let semaphore = BoundedSemaphore(permits: 2)
            #expect(failure { try semaphore.release() }?.code == .overflow)
            #expect(semaphore.permits == 2)
            try semaphore.acquire()
            #expect(semaphore.tryAcquire())
            #expect(semaphore.isLocked)
            #expect(failure { try semaphore.acquire(timeout: .zero) }?.code == .timedOut)
            try semaphore.release()
            try semaphore.release()
            let error = failure { try semaphore.release() }
            #expect(error?.code == .overflow)
            #expect(error?.message.isEmpty == false)
            #expect(semaphore.balance == 2)
            #expect(failure { try BoundedSemaphore(permits: 0).release() }?.code == .overflow)
        }
    }

    @Test
    func `passes its permits on in order`() throws {
        try onHub { () throws in
            let semaphore = BoundedSemaphore()
            try semaphore.acquire()
            var order: [Int] = []
            let threads = (0..<3).map { number in
                spawn { try semaphore.withPermit { order.append(number) } }
            }
            try settle()
            #expect(semaphore.waitingCount == 3)
            #expect(semaphore.balance == -3)
            try semaphore.release()
            try GreenThread.wait(all: threads)
            #expect(order == [0, 1, 2])
            #expect(semaphore.permits == 1)
        }
    }

    @Test
    func `throws at the end of a scope whose permit was already released`() throws {
        try onHub { () throws in
            let semaphore = BoundedSemaphore()
            #expect(failure { try semaphore.withPermit { try semaphore.release() } }?.code == .overflow)
            #expect(throws: Mistake(number: 1)) {
                try semaphore.withPermit {
                    try semaphore.release()
                    throw Mistake(number: 1)
                }
            }
            #expect(semaphore.permits == 1)
        }
    }

    @Test
    func `ends the process if the number of permits is negative`() async throws {
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = BoundedSemaphore(permits: -3)
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("a BoundedSemaphore cannot begin with -3 permits"), "\(text)")
    }
}

@Suite("A capped semaphore")
struct CappedSemaphoreTests {
    @Test
    func `blocks releases at its limit, in order`() throws {
        try onHub { () throws in
            let semaphore = CappedSemaphore(permits: 1, limit: 2)
            #expect(semaphore.limit == 2)
            #expect(!semaphore.isBounded)
            try semaphore.release()
            #expect(semaphore.isBounded)
            var order: [Int] = []
            let threads = (0..<3).map { number in
                spawn {
                    try semaphore.release()
                    order.append(number)
                }
            }
            try settle()
            #expect(semaphore.releasingCount == 3)
            #expect(semaphore.permits == 2)
            #expect(semaphore.balance == 5)
            for taken in 1...3 {
                try semaphore.acquire()
                try settle()
                #expect(order == Array(0..<taken))
                #expect(semaphore.permits == 2, "the waiting release fills the place")
            }
            try GreenThread.wait(all: threads)
            try semaphore.acquire()
            #expect(semaphore.tryAcquire())
            #expect(!semaphore.tryAcquire())
            #expect(semaphore.isLocked)
        }
    }

    @Test
    func `blocks acquires without permits, in order`() throws {
        try onHub { () throws in
            let semaphore = CappedSemaphore(permits: 0, limit: 1)
            var order: [Int] = []
            let threads = (0..<3).map { number in
                spawn {
                    try semaphore.acquire()
                    order.append(number)
                }
            }
            try settle()
            #expect(semaphore.waitingCount == 3)
            #expect(semaphore.balance == -3)
            for _ in 0..<3 {
                try semaphore.release()
            }
            try GreenThread.wait(all: threads)
            #expect(order == [0, 1, 2])
            #expect(failure { try semaphore.acquire(timeout: .milliseconds(1)) }?.code == .timedOut)
        }
    }

    @Test
    func `tries a release, without blocking or with a timeout`() throws {
        try onHub { () throws in
            let semaphore = CappedSemaphore(permits: 0, limit: 1)
            #expect(semaphore.tryRelease())
            #expect(!semaphore.tryRelease())
            #expect(failure { try semaphore.release(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try semaphore.release(timeout: .milliseconds(1)) }?.code == .timedOut)
            #expect(semaphore.permits == 1)
            #expect(semaphore.releasingCount == 0)
            let killed = spawn { try semaphore.release() }
            try settle()
            try killed.kill(waitingForEnd: true)
            try semaphore.acquire()
            #expect(semaphore.permits == 0, "a killed release adds no permit")
            #expect(failure { try CappedSemaphore(permits: 0, limit: 0).release(timeout: .zero) }?.code == .timedOut)
        }
    }

    @Test
    func `gets its permit back from a scope with a pending interrupt`() throws {
        try onHub { () throws in
            let semaphore = CappedSemaphore(permits: 1, limit: 1)
            let thread = spawn {
                // The interrupt is posted at once, and the next call that may block throws it. The scope's end must not
                // be that call.
                try semaphore.withPermit { () -> Void in Timeout(.zero) }
                try GreenThread.yield()
            }
            #expect(throws: Timeout.self) { try thread.wait() }
            #expect(semaphore.permits == 1)
        }
    }

    @Test
    func `blocks at the end of a scope while it is full`() throws {
        try onHub { () throws in
            let semaphore = CappedSemaphore(permits: 1, limit: 1)
            let thread = spawn {
                try semaphore.withPermit {
                    try semaphore.release()
                    return 5
                }
            }
            try settle()
            #expect(!thread.isFinished)
            #expect(semaphore.releasingCount == 1)
            try semaphore.acquire()
            #expect(try thread.wait() == 5)
            #expect(semaphore.permits == 1)
        }
    }

    @Test
    func `ends the process if the permits exceed the limit`() async throws {
        let negative = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = CappedSemaphore(permits: -1, limit: 1)
        }
        var text = String(decoding: negative.standardErrorContent, as: UTF8.self)
        #expect(text.contains("a CappedSemaphore cannot begin with -1 permits"), "\(text)")
        let above = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = CappedSemaphore(permits: 3, limit: 2)
        }
        text = String(decoding: above.standardErrorContent, as: UTF8.self)
        #expect(text.contains("when its limit is 2; raise the limit"), "\(text)")
    }
}
