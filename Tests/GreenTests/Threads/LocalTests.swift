import Green
import Testing

@Suite("A green local")
struct LocalTests {
    private static let shared = GreenLocal<Int>()

    @Test
    func `has a value for each thread and inherits none if it must not`() throws {
        try onHub { () throws in
            let local = GreenLocal<String>(inherited: false)
            local.value = "main"
            let threads = (0..<100).map { number in
                spawn { () -> Bool in
                    let isFresh = local.value == nil
                    local.value = "thread \(number)"
                    try GreenThread.yield()
                    return isFresh && local.value == "thread \(number)"
                }
            }
            for thread in threads {
                #expect(try thread.wait())
            }
            #expect(local.value == "main")
            local.value = nil
            #expect(local.value == nil)
        }
    }

    @Test
    func `is inherited as it was at the spawn, and then belongs to the thread`() throws {
        try onHub { () throws in
            let local = GreenLocal<[Int]>()
            local.value = [1]
            let thread = spawn { () throws -> ([Int]?, [Int]?, [Int]?) in
                let first = local.value
                local.value = [2]
                let grandchild = try spawn { local.value }.wait()
                return (first, grandchild, local.value)
            }
            let (pooled, mapped) = (Event<[Int]?>(), GreenPool(size: 2))
            try mapped.spawn { try pooled.send(local.value) }
            local.value = [3]
            let (first, grandchild, own) = try thread.wait()
            #expect(first == [1])
            #expect(grandchild == [2])
            #expect(own == [2])
            #expect(try pooled.wait() == [1])
            #expect(local.value == [3])
            let other = try HubPool(count: 1)
            #expect(try other[0].spawn { local.value }.wait() == nil)
            try other.close()
            local.value = nil
        }
    }

    @Test
    func `has an initial value in each thread, and inherits it only if it must`() throws {
        try onHub { () throws in
            let made = Count()
            for inherited in [false, true] {
                let local = GreenLocal(inherited: inherited) {
                    made.add()
                    return made.value
                }
                let before = made.value
                #expect(try spawn { [local.get(), local.get()] }.wait() == [before + 1, before + 1])
                #expect(local.value == before + 2)
                let child = try spawn { (local.get(), local.withValue(100) { local.get() }, local.get()) }.wait()
                let own = inherited ? before + 2 : before + 3
                #expect(child == (own, 100, own))
                #expect(made.value == own)
                local.value = nil
                #expect(local.get() == own + 1)
            }
        }
    }

    @Test
    func `gives the previous value back after a scope, also when it throws`() throws {
        try onHub { () throws in
            let local = LocalTests.shared
            let seen = local.withValue(1) { [local.value, local.withValue(2) { local.value }, local.value] }
            #expect(seen == [1, 2, 1])
            #expect(local.value == nil)
            #expect(throws: Mistake(number: 1)) {
                try local.withValue(3) {
                    try GreenThread.yield()
                    throw Mistake(number: 1)
                }
            }
            #expect(local.value == nil)
        }
    }

    @Test
    func `destroys each value once: when replaced, and with its thread`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let local = GreenLocal<Tracked>()
            let thread = spawn {
                local.value = ledger.make()
                local.value = ledger.make()
                try GreenThread.yield()
            }
            try GreenThread.yield()
            #expect(ledger.gone == 1)
            try thread.wait()
            #expect(ledger.gone == 2)
            let killed = spawn { try local.withValue(ledger.make()) { try GreenThread.sleep(for: .seconds(1000)) } }
            try GreenThread.yield()
            try killed.kill(waitingForEnd: true)
            #expect(ledger.gone == 3)
        }
        #expect(ledger.gone == ledger.made)
    }

    @Test
    func `may be released before its values`() throws {
        let ledger = Ledger()
        try onHub { () throws in
            let thread = spawn {
                let local = GreenLocal<Tracked>()
                local.value = ledger.make()
            }
            try thread.wait()
        }
        #expect(ledger.made == 1)
        #expect(ledger.gone == 1)
    }
}
