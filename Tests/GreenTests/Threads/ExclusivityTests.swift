import Green
import Testing

/// A `mutating` method that blocks holds its access while other threads run. The runtime keeps accesses in a list of
/// the OS thread; each green thread must have its own.
@Suite("An access that spans a blocking call")
struct ExclusivityTests {
    private struct Counter {
        private(set) var value = 0

        mutating func add(_ number: Int) throws {
            value += 1
            try GreenThread.yield()
            value += number
        }

        mutating func park() throws {
            try GreenThread.sleep(for: .seconds(1000))
        }
    }

    private final class Holder {
        var counter = Counter()
    }

    @Test
    func `belongs to its thread, with ten thousand threads at once`() throws {
        try onHub { () throws in
            let holders = (0..<10_000).map { _ in Holder() }
            let threads = holders.enumerated().map { number, holder in
                spawn(stackSize: 64 << 10) { try holder.counter.add(number) }
            }
            try GreenThread.yield()
            let outsider = Holder()
            for _ in 0..<1000 {
                try outsider.counter.add(1)
            }
            for thread in threads {
                try thread.wait()
            }
            #expect(outsider.counter.value == 2000)
            #expect(holders.enumerated().allSatisfy { number, holder in holder.counter.value == number + 1 })
        }
    }

    @Test
    func `may end before or after one that began later`() throws {
        try onHub { () throws in
            let holders = (0..<100).map { _ in Holder() }
            var ended: [Int] = []
            let threads = holders.enumerated().map { number, holder in
                spawn {
                    defer { ended.append(number) }
                    try holder.counter.park()
                }
            }
            try GreenThread.yield()
            let order = Array(stride(from: 0, to: 100, by: 2)) + stride(from: 99, to: 0, by: -2)
            for number in order {
                try threads[number].kill(waitingForEnd: true)
                try holders[number].counter.add(1)
            }
            #expect(ended == order)
            #expect(holders.allSatisfy { $0.counter.value == 2 })
        }
    }

    @Test
    func `nests with others on one stack`() throws {
        try onHub { () throws in
            func descend(_ rest: ArraySlice<Holder>) throws {
                guard let first = rest.first else { return try GreenThread.yield() }
                try first.counter.add(1)
                try descend(rest.dropFirst())
                try first.counter.add(1)
            }
            let holders = (0..<50).map { _ in Holder() }
            let threads = holders.indices.map { start in spawn { try descend(holders[start..<(start + 1)]) } }
            for thread in threads {
                try thread.wait()
            }
            #expect(holders.allSatisfy { $0.counter.value == 4 })
        }
    }
}
