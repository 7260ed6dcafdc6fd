import Green
import GreenTesting
import Testing

/// How a scope is left.
private enum Exit: CaseIterable {
    case byItsTimeout
    case byAnError
    case byAKill
    case byReturning
}

/// Ten scopes, one in the other. The duration of each is given, the outermost first.
private struct Scopes {
    let durations: [Duration]
    let exit: Exit

    /// What was thrown out of each scope, the innermost first.
    private(set) var thrown: [(any Error)?] = []

    mutating func run(_ depth: Int = 0) throws {
        guard depth < durations.count else { return try leave() }
        let error = errorThrown { try withTimeout(durations[depth]) { try run(depth + 1) } }
        thrown.append(error)
        if let error {
            throw error
        }
    }

    private func leave() throws {
        pass(.milliseconds(500))
        switch exit {
        case .byItsTimeout: try dawdle()
        case .byAnError: throw Mistake(number: 1)
        case .byAKill: try GreenThread.current.kill()
        case .byReturning: _ = timeoutThrown { try dawdle() }
        }
    }
}

@Suite("Ten nested time limits")
struct NestedLimitTests {
    private static let orders: [[Int]] = (0..<20).map { seed in
        var chance = Chance(seed: UInt64(seed))
        return (1...10).map { Int($0) }.shuffled(using: &chance)
    }

    @Test(arguments: Exit.allCases)
    fileprivate func `are left by the error of the outermost, in whatever order they expired`(exit: Exit) throws {
        try withTestHub { () throws in
            for order in Self.orders {
                let durations = order.map { Duration.milliseconds($0) }
                let thread = spawn { () -> [(any Error)?] in
                    var scopes = Scopes(durations: durations, exit: exit)
                    try? scopes.run()
                    try GreenThread.yield()
                    return scopes.thrown
                }
                let thrown = try thread.wait()
                #expect(thrown.count == 10)
                for error in thrown {
                    switch exit {
                    case .byItsTimeout: #expect((error as? Timeout)?.duration == durations[0])
                    case .byAnError: #expect(error is Mistake)
                    case .byAKill: #expect(error is GreenExit)
                    case .byReturning: #expect(error == nil)
                    }
                }
            }
        }
    }

    @Test(arguments: 0..<10)
    func `are left to the one that has expired, and the others hold`(expired: Int) throws {
        try withTestHub { () throws in
            let durations = (0..<10).map { Duration.seconds($0 == expired ? 1 : 1000) }
            var scopes = Scopes(durations: durations, exit: .byItsTimeout)
            let error = timeoutThrown { try scopes.run() }
            #expect(error?.duration == .seconds(1))
            #expect(scopes.thrown.count == 10)
            #expect(scopes.thrown.allSatisfy { $0 as? Timeout == error })
            try GreenThread.yield()
        }
    }

    @Test
    func `replace the saved timeout of the innermost, each by its own`() throws {
        try withTestHub { () throws in
            let saved = timeoutThrown { try withTimeout(.milliseconds(1)) { try dawdle() } }!
            func nested(_ depth: Int) throws {
                let error = timeoutThrown {
                    try withTimeout(.milliseconds(depth)) {
                        if depth < 10 {
                            try nested(depth + 1)
                        }
                        let inner = timeoutThrown { try withTimeout(.zero) { try GreenThread.yield() } }!
                        pass(.milliseconds(20))
                        throw inner
                    }
                }
                #expect(error?.duration == .milliseconds(depth))
                throw error!
            }
            // A limit that began before these is none of theirs.
            #expect(timeoutThrown { try withTimeout(.zero, default: ()) { throw saved } } == saved)
            #expect(timeoutThrown { try nested(1) }?.duration == .milliseconds(1))
        }
    }
}
