import Dispatch
import Green
import Synchronization
import Testing

@Suite("A promise")
struct PromiseTests {
    @Test
    func `returns its value to every thread that waits, before and after the send`() throws {
        try onHub { () throws in
            let promise = Promise<String>()
            let waiters = (0..<3).map { _ in spawn { try promise.wait() } }
            try settle()
            #expect(!promise.isSent)
            try promise.send("a value with storage on the heap")
            #expect(promise.isSent)
            for waiter in waiters {
                #expect(try waiter.wait() == "a value with storage on the heap")
            }
            #expect(try promise.wait() == "a value with storage on the heap")
            #expect(try promise.wait(timeout: .zero) == "a value with storage on the heap")
        }
    }

    @Test
    func `throws the error that was sent`() throws {
        try onHub { () throws in
            let promise = Promise<Int>()
            let waiter = spawn { try promise.wait() }
            try settle()
            try promise.send(throwing: Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try waiter.wait() }
            #expect(throws: Mistake(number: 1)) { try promise.wait() }
        }
    }

    @Test
    func `is sent once`() throws {
        try onHub { () throws in
            let promise = Promise<Int>()
            try promise.send(.success(1))
            #expect(failure { try promise.send(2) }?.code == .alreadyInProcess)
            #expect(failure { try promise.send(throwing: Mistake(number: 3)) }?.code == .alreadyInProcess)
            #expect(try promise.wait() == 1)
            let empty = Promise<Void>()
            try empty.send()
            try empty.wait()
        }
    }

    @Test
    func `ends a wait by its timeout or a kill, and can be sent later`() throws {
        try onHub { () throws in
            let promise = Promise<Int>()
            #expect(failure { try promise.wait(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try promise.wait(timeout: .milliseconds(1)) }?.code == .timedOut)
            let waiter = spawn { try promise.wait() }
            try settle()
            try waiter.kill(waitingForEnd: true)
            #expect(throws: GreenExit.self) { try waiter.wait() }
            try promise.send(1)
            #expect(try promise.wait() == 1)
        }
    }

    @Test
    func `is sent by a callback of Dispatch`() throws {
        try onHub { () throws in
            for number in 0..<100 {
                let promise = Promise<Int>()
                DispatchQueue.global().async { try? promise.send(number) }
                #expect(try promise.wait() == number)
            }
        }
    }

    @Test
    func `turns a call with a callback into a blocking call`() throws {
        try onHub { () throws in
            let number = try withPromise(of: Int.self) { promise in
                DispatchQueue.global().async { try? promise.send(7) }
            }
            #expect(number == 7)
            #expect(throws: Mistake(number: 1)) { try Promise<Int>.wait { _ in throw Mistake(number: 1) } }
            let late = Mutex<Promise<Int>?>(nil)
            let error = failure {
                try withPromise(of: Int.self, timeout: .milliseconds(1)) { promise in late.withLock { $0 = promise } }
            }
            #expect(error?.code == .timedOut)
            try late.withLock { $0 }?.send(1)
        }
    }

    @Test
    func `has one sender that succeeds, and all waiting threads get its value`() throws {
        try onHub { () throws in
            for _ in 0..<100 {
                let promise = Promise<Int>()
                let winners = Mutex<[Int]>([])
                let values = Mutex<[Int]>([])
                let waiting = (0..<2).map { number in
                    OSThread {
                        if number == 0 {
                            _ = Hub.engine
                        }
                        if let value = try? promise.wait() {
                            values.withLock { $0.append(value) }
                        }
                    }
                }
                let sending = (0..<4).map { number in
                    OSThread {
                        if (try? promise.send(number)) != nil {
                            winners.withLock { $0.append(number) }
                        }
                    }
                }
                for thread in sending + waiting {
                    thread.join()
                }
                let winner = winners.withLock { $0 }
                try #require(winner.count == 1)
                #expect(try promise.wait() == winner[0])
                #expect(values.withLock { $0 } == [winner[0], winner[0]])
            }
        }
    }

    @Test
    func `destroys its value once`() throws {
        try onHub { () throws in
            let gone = Count()
            do {
                let promise = Promise<Guest>()
                try promise.send(Guest(gone))
                #expect(failure { try promise.send(Guest(gone)) }?.code == .alreadyInProcess)
                #expect(gone.value == 1, "refused")
                onAnotherThread { _ = try? promise.wait() }
                #expect(gone.value == 1)
                withExtendedLifetime(promise) {}
            }
            #expect(gone.value == 2)
        }
    }
}
