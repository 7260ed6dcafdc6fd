import Green
import Testing

@Suite("A spawned function's result")
struct SpawnTests {
    private protocol Shape {
        var corners: Int { get }
    }

    private struct Wide: Equatable, Shape {
        var numbers = (1, 2, 3, 4, 5, 6, 7, 8)
        var text = "a string that is long enough to live on the heap"
        var corners: Int { 9 }

        static func == (left: Wide, right: Wide) -> Bool {
            left.text == right.text && left.numbers.7 == right.numbers.7 && left.numbers.0 == right.numbers.0
        }
    }

    private final class Node {
        let value: Int
        init(_ value: Int) { self.value = value }
    }

    private enum Nothing {}

    @Test
    func `may be Void`() throws {
        try onHub { () throws in
            var ran = false
            let thread = spawn { ran = true }
            #expect(!ran)
            try thread.wait()
            #expect(ran)
            let empty: Void = try thread.wait()
            #expect(empty == ())
        }
    }

    @Test
    func `may be of any size`() throws {
        try onHub { () throws in
            #expect(try spawn { UInt8(7) }.wait() == 7)
            #expect(try spawn { true }.wait())
            let pair = try spawn { (1.5, 2) }.wait()
            #expect(pair == (1.5, 2))
            #expect(try spawn { [Int](0..<1000) }.wait().count == 1000)
            #expect(try spawn { SIMD4<Float>(1, 2, 3, 4) }.wait() == SIMD4(1, 2, 3, 4))
            #expect(try spawn { SIMD8<Double>(repeating: 2) }.wait().sum() == 16)
            let wide = spawn { Wide() }
            #expect(try wide.wait() == Wide())
            #expect(try wide.wait() == Wide())
        }
    }

    @Test
    func `may be an optional, a class, an existential or a function`() throws {
        try onHub { () throws in
            #expect(try spawn { Int?.none }.wait() == nil)
            #expect(try spawn { String?.some("x") }.wait() == "x")
            let node = Node(5)
            #expect(try spawn { node }.wait() === node)
            let shape: any Shape = try spawn { Wide() as any Shape }.wait()
            #expect(shape.corners == 9)
            let mistake: any Error = try spawn { Mistake(number: 3) as any Error }.wait()
            #expect(mistake as? Mistake == Mistake(number: 3))
            let double = try spawn { { (x: Int) in x * 2 } }.wait()
            #expect(double(21) == 42)
        }
    }

    @Test
    func `is returned to every waiter every time`() throws {
        try onHub { () throws in
            let thread = spawn { try numbered(40) }
            let waiters = (0..<100).map { index in spawn { try thread.wait() + thread.wait() + index } }
            for (index, waiter) in waiters.enumerated() {
                #expect(try waiter.wait() == 80 + index)
            }
            #expect(try thread.wait() == 40)
        }
    }

    @Test
    func `is an error for every waiter if it threw`() throws {
        try onHub { () throws in
            let thread = spawn { throw Mistake(number: 7) }
            let waiters = (0..<10).map { _ in spawn { try thread.wait() } }
            for waiter in waiters {
                #expect(throws: Mistake(number: 7)) { try waiter.wait() }
            }
            #expect(throws: Mistake(number: 7)) { try thread.wait() }
        }
    }

    @Test
    func `of a function that can only throw is its error`() throws {
        try onHub { () throws in
            let thread: GreenThread<Nothing> = spawn { throw Mistake(number: 1) }
            #expect(throws: Mistake(number: 1)) { _ = try thread.wait() }
        }
    }

    @Test
    func `may come from deep recursion on a large stack`() throws {
        try onHub { () throws in
            let thread = spawn(stackSize: 16 << 20) { depth(20_000) }
            #expect(thread.stackSize >= 16 << 20)
            #expect(try thread.wait() == 20_000)
            #expect(thread.stackSize == 0)
        }
    }

    @Test
    func `is an error if there is no memory for the stack`() throws {
        try onHub { () throws in
            let thread = spawn(name: "giant", stackSize: 1 << 60) { 1 }
            #expect(thread.isFinished)
            #expect(thread.id == 0)
            #expect(thread.name == "")
            #expect(failure { try thread.wait() }?.code == .noMemory)
            #expect(!thread.cancel())
            try thread.kill(waitingForEnd: true)
            var called = false
            thread.onExit { called = true }
            #expect(called)
        }
    }

    private func numbered(_ number: Int) throws -> Int {
        try GreenThread.yield()
        return number
    }

    private func depth(_ rest: Int) -> Int {
        rest == 0 ? 0 : 1 + depth(rest - 1)
    }
}
