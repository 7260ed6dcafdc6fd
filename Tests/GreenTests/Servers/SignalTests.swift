import Glibc
import Green
import Testing

@Suite("Signals", .serialized)
struct SignalTests {
    @Test
    func `wake the thread that waits for them`() throws {
        try onHub { () throws in
            let signals = try Signals([.user1, .user2])
            let waiter = spawn { [try signals.next(), try signals.next()] }
            try GreenThread.yield()
            raise(SIGUSR2)
            try settle()
            raise(SIGUSR1)
            #expect(try waiter.wait() == [.user2, .user1])
        }
    }

    @Test
    func `are kept until they are taken, and a wait for them can time out`() throws {
        try onHub { () throws in
            let signals = try Signals([.user1])
            #expect(failure { try signals.next(timeout: .milliseconds(1)) }?.code == .timedOut)
            raise(SIGUSR1)
            #expect(try signals.next(timeout: .seconds(60)) == .user1)
        }
    }

    @Test
    func `are a sequence, which continues after an interrupt`() throws {
        try onHub { () throws in
            let signals = try Signals([.user1, .user2])
            let waiter = spawn {
                var seen: [Signal?] = []
                for signal in signals {
                    seen.append(try? signal.get())
                    if seen.count == 3 { break }
                }
                return seen
            }
            try settle()
            raise(SIGUSR1)
            try settle()
            try waiter.kill()
            try settle()
            raise(SIGUSR2)
            #expect(try waiter.wait() == [.user1, nil, .user2])
        }
    }

    @Test
    func `that cannot be caught are refused`() throws {
        try onHub { () throws in
            #expect(failure { try Signals([Signal(rawValue: SIGKILL)]) }?.code == .invalidArgument)
        }
    }

    @Test
    func `have their former effect when no object collects them`() async {
        await #expect(processExitsWith: .signal(SIGUSR1)) {
            inChild {
                // The OS threads of Swift's tasks block all signals.
                var mask = sigset_t()
                unsafe sigemptyset(&mask)
                unsafe sigaddset(&mask, SIGUSR1)
                unsafe pthread_sigmask(SIG_UNBLOCK, &mask, nil)
                do {
                    let signals = try Signals([.user1])
                    raise(SIGUSR1)
                    try signals.next()
                }
                raise(SIGUSR1)
            }
        }
    }

    @Test
    func `have the system's names`() {
        #expect(Signal.interrupt.description == "Interrupt")
        #expect(Set([Signal.terminate, .hangup, .quit, .child, .user1, .user2, .interrupt, .urgent]).count == 8)
        #expect(Signal(rawValue: SIGTERM) == .terminate)
    }
}
