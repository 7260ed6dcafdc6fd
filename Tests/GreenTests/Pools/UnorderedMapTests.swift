import Green
import Testing

@Suite("An unordered map over a pool")
struct UnorderedMapTests {
    @Test
    func `returns each result as soon as it is available`() throws {
        try onHub { () throws in
            let gates = (0..<4).map { _ in Event<Void>() }
            let results = GreenPool(size: 4).mapUnordered(0..<4) { number in
                try gates[number].wait()
                return number
            }
            for number in [2, 0, 3, 1] {
                try gates[number].send()
                #expect(try results.next() == number)
            }
            #expect(try results.next() == nil)
        }
    }

    @Test
    func `returns errors in the same way`() throws {
        try onHub { () throws in
            let gate = Event<Void>()
            let results = GreenPool(size: 2).mapUnordered(0..<2) { number in
                guard number == 0 else { throw Mistake(number: number) }
                try gate.wait()
                return number
            }
            #expect(throws: Mistake(number: 1)) { try results.next() }
            try gate.send()
            #expect(try results.next() == 0)
            #expect(try results.next() == nil)
        }
    }

    @Test
    func `returns all of many results, each once`() throws {
        try onHub { () throws in
            let results = GreenPool(size: 7).mapUnordered(0..<1000) { number in
                for _ in 0..<(number % 4) {
                    try GreenThread.yield()
                }
                return number
            }
            var seen = Set<Int>()
            var count = 0
            for result in results {
                seen.insert(try result.get())
                count += 1
            }
            #expect(count == 1000)
            #expect(seen.count == 1000)
        }
    }
}
