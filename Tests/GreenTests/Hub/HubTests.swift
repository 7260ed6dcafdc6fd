import Glibc
import Green
import Testing

@Suite("The hub")
struct HubTests {
    @Test
    func `counts threads, timers, operations and stacks`() throws {
        try onHub { () throws in
            let before = try Hub.statistics
            let (left, right) = try Socket.pair()
            let reader = spawn { try right.read(upTo: 1) }
            let sleeper = spawn { try GreenThread.sleep(for: .seconds(1000)) }
            #expect(try Hub.statistics.readyThreads >= 2)
            let later = spawn(after: .seconds(1000)) {}
            #expect(try Hub.statistics.delayedThreads == before.delayedThreads + 1)
            later.cancel()
            try settle()
            #expect(try Hub.statistics.delayedThreads == before.delayedThreads)
            let counts = try Hub.statistics
            #expect(counts.threads == before.threads + 2)
            #expect(counts.parkedThreads >= 2)
            #expect(counts.timers == before.timers + 1)
            #expect(counts.sockets == before.sockets + 2)
            #expect(counts.operations > before.operations)
            #expect(counts.switches > before.switches)
            #expect(counts.loopIterations > before.loopIterations)
            #expect(counts.systemCalls > before.systemCalls)
            #expect(counts.submissions > before.submissions)
            #expect(counts.stacks >= 2)
            try sleeper.kill(waitingForEnd: true)
            left.close()
            #expect(try reader.wait() == [])
            #expect(try Hub.statistics.completions > before.completions)
            #expect(try Hub.statistics.handles == before.handles + 3)
            #expect(try Hub.statistics.freeStacks >= 2)
            withExtendedLifetime((reader, sleeper, later)) {}
        }
    }

    @Test
    func `is created on first use, and only once`() throws {
        try onHub { () throws in
            #expect(["uring", "epoll"].contains(Hub.engine))
            #expect(failure { try Hub.open() }?.code == .alreadyInProcess)
        }
    }

    @Test
    func `reports its stack guard, and uses the next one if one is disabled`() async throws {
        try onHub { () throws in #expect(Hub.stackGuard != nil) }
        await #expect(processExitsWith: .success) {
            inChild {
                precondition(unsafe setenv("GREEN_DISABLE", "guard_install,userfaultfd", 1) == 0)
                precondition(Hub.stackGuard == .mprotect)
            }
        }
        await #expect(processExitsWith: .success) {
            inChild {
                precondition(unsafe setenv("GREEN_DISABLE", "guard_install,userfaultfd,mprotect_guard", 1) == 0)
                precondition(Hub.stackGuard == .shared)
            }
        }
    }

    @Test
    func `can be opened with options, closed and opened again`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                precondition(failure { try Hub.statistics }?.code == .noSuchFileOrDirectory)
                precondition(failure { try Hub.close() }?.code == .noSuchFileOrDirectory)
                precondition(failure { try Hub.open(engine: "steam") }?.code == .invalidArgument)
                precondition(failure { try Hub.open(entries: 3) }?.code == .invalidArgument)
                try Hub.open(
                    engine: "epoll",
                    entries: 64,
                    receiveMemory: 128 << 10,
                    stackSize: 256 << 10,
                    warmStacks: 2
                )
                do {
                    let thread = spawn { try GreenThread.yield() }
                    precondition(thread.stackSize == 256 << 10)
                    let error = failure { try Hub.close() }
                    precondition(error?.code == .resourceBusy)
                    try thread.wait()
                }
                try Hub.close()
                let answer = try spawn { 42 }.wait()
                precondition(answer == 42)
            }
        }
    }
}
