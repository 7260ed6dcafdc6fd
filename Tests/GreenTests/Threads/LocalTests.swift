import Green
import Testing

@Suite("A green local")
struct LocalTests {
    private static let shared = GreenLocal<Int>()

    @Test
    func `has a value for each thread and inherits none`() throws {
        try onHub { () throws in
            let local = GreenLocal<String>()
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
