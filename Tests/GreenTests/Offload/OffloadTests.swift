import Glibc
import Green
import Testing

@Suite("Offloading")
struct OffloadTests {
    @Test
    func `runs a function on another OS thread, and returns its result`() throws {
        try onHub { () throws in
            let mine = pthread_self()
            let (other, text) = try offload { (pthread_self(), "result") }
            #expect(other != mine)
            #expect(text == "result")
        }
    }

    @Test
    func `throws the error of the function`() throws {
        try onHub { () throws in
            #expect(throws: Mistake(number: 7)) {
                try offload { throw Mistake(number: 7) }
            }
        }
    }

    @Test
    func `blocks only the calling green thread`() throws {
        try onHub { () throws in
            let gate = Gate()
            let caller = spawn { try offload { gate.pass() } }
            try settle()
            gate.open()
            try caller.wait()
        }
    }

    @Test
    func `returns an object that is not Sendable`() throws {
        final class Basket {
            var items: [Int] = []
        }
        try onHub { () throws in
            let basket = try offload {
                let basket = Basket()
                basket.items = [1, 2, 3]
                return basket
            }
            basket.items.append(4)
            #expect(basket.items == [1, 2, 3, 4])
        }
    }

    @Test
    func `runs as many functions in parallel as the pool has workers`() throws {
        try onHub { () throws in
            let pool = OffloadPool(threads: 2, name: "two")
            let (gate, begun) = (Gate(), Count())
            let callers = (0..<6).map { number in
                spawn {
                    try pool.run {
                        begun.add()
                        gate.pass()
                        return number
                    }
                }
            }
            try until { begun.value == 2 }
            for ended in 0..<6 {
                #expect(begun.value <= ended + 2)
                gate.open()
                try until { begun.value == min(ended + 3, 6) }
            }
            #expect(try callers.map { try $0.wait() } == [0, 1, 2, 3, 4, 5])
        }
    }

    @Test
    func `throws an error when the queue is full`() throws {
        try onHub { () throws in
            let pool = OffloadPool(threads: 1, queueLimit: 1)
            let (gate, begun) = (Gate(), Count())
            let function = { @Sendable in
                begun.add()
                gate.pass()
            }
            let first = spawn { try pool.run { function() } }
            try until { begun.value == 1 }
            let second = spawn { try pool.run { function() } }
            try settle()
            let error = failure { try pool.run { function() } }
            #expect(error?.code == .resourceTemporarilyUnavailable)
            #expect(
                error?.message.contains("the queue of 'green-offload' is full (1 calls wait for 1 OS threads)") == true
            )
            gate.open()
            gate.open()
            try first.wait()
            try second.wait()
            #expect(begun.value == 2)
        }
    }

    @Test
    func `is interrupted by a timeout, a kill or a limit, and releases the result on the worker`() throws {
        try onHub { () throws in
            let pool = OffloadPool()
            let (gate, timedOut, killed, gone) = (Gate(), Count(), Count(), Count())
            let function = { @Sendable (begun: Count) in
                begun.add()
                gate.pass()
                return Guest(gone)
            }
            #expect(failure { try pool.run(timeout: .milliseconds(1)) { function(timedOut) } }?.code == .timedOut)
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(1)) { try pool.run { function(timedOut) } }
            }
            let caller = spawn { try pool.run { function(killed) } }
            try until { killed.value == 1 }
            try caller.kill()
            #expect(throws: GreenExit.self) { try caller.wait() }
            #expect(gone.value == 0)
            for _ in 0..<3 { gate.open() }
            try until { gone.value == timedOut.value + killed.value }
        }
    }

    @Test
    func `never calls a function whose caller was interrupted before it began`() throws {
        try onHub { () throws in
            let pool = OffloadPool(threads: 1)
            let (gate, begun, never, gone) = (Gate(), Count(), Count(), Count())
            let first = spawn {
                try pool.run {
                    begun.add()
                    gate.pass()
                }
            }
            try until { begun.value == 1 }
            do {
                let guest = Guest(gone)
                let function = { @Sendable in
                    never.add()
                    withExtendedLifetime(guest) {}
                }
                #expect(failure { try pool.run(timeout: .milliseconds(1)) { function() } }?.code == .timedOut)
            }
            #expect(gone.value == 1)
            gate.open()
            try first.wait()
            try pool.run {}
            #expect(never.value == 0)
        }
    }

    @Test
    func `gives a function that uses Green its own hub`() throws {
        try onHub { () throws in
            let pool = OffloadPool(idle: .zero)
            let sum = try pool.run {
                let parts = (1...3).map { part in
                    spawn {
                        try GreenThread.sleep(for: .milliseconds(1))
                        return part
                    }
                }
                return try parts.reduce(0) { try $0 + $1.wait() }
            }
            #expect(sum == 6)
        }
    }
}
