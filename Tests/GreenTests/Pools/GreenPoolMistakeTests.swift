import Green
import Testing

@Suite("A pool that is misused or out of memory")
struct GreenPoolMistakeTests {
    @Test
    func `ends with the error of a spawn for which there is no memory`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let pool = GreenPool(size: 1, stackSize: 1 << 60)
                let thread = try pool.spawn { 1 }
                precondition(thread.isFinished)
                precondition(failure { try thread.wait() }?.code == .noMemory)
                try pool.detach {}
                precondition(pool.availableCount == 1)
            }
        }
        let lines = reports(of: child)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("green: detach: ") == true)
    }

    @Test
    func `reports a deadlock when nothing can make room`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let pool = GreenPool(size: 0)
                do {
                    try pool.spawn {}
                    fatalError("there is no room")
                } catch is DeadlockError {}
            }
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("waiting for room in a pool of 0 green threads"), "\(text)")
    }

    @Test
    func `ends the process if its size is negative`() async throws {
        let made = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = GreenPool(size: -1)
        }
        #expect(String(decoding: made.standardErrorContent, as: UTF8.self).contains("a pool of -1 green threads"))
        let resized = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild { GreenPool(size: 1).resize(to: -2) }
        }
        #expect(
            String(decoding: resized.standardErrorContent, as: UTF8.self).contains(
                "cannot resize a pool to -2 green threads"
            )
        )
    }

    @Test
    func `refuses another OS thread`() async throws {
        let child = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let pool = GreenPool(size: 1)
                try pool.spawn {}.wait()
                onAnotherThread {
                    precondition(failure { try pool.spawn {} }?.code == .improperLink)
                    precondition(failure { try pool.detach {} }?.code == .improperLink)
                    precondition(failure { try pool.waitAll() }?.code == .improperLink)
                    pool.resize(to: 2)
                }
            }
        }
        let text = String(decoding: child.standardErrorContent, as: UTF8.self)
        #expect(text.contains("pool lives on another OS thread"), "\(text)")
    }
}
