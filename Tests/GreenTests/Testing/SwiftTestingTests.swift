import Green
import GreenTesting
import Testing

@Suite("Swift Testing in green threads")
struct SwiftTestingTests {
    @Test
    func `knows the current test, also between blocking calls`() async throws {
        let name = try #require(Test.current?.name)
        try await withTestHub { () throws in
            #expect(Test.current?.name == name)
            let names = spawn { () throws -> [String?] in
                var names = [Test.current?.name]
                try GreenThread.sleep(for: .seconds(1))
                names.append(Test.current?.name)
                return names
            }
            #expect(try names.wait() == [name, name])
        }
    }

    @Test
    func `records an issue of a green thread for its test`() throws {
        try withKnownIssue {
            try withTestHub {
                let thread = spawn { () throws in
                    try GreenThread.yield()
                    #expect(Bool(false), "known")
                }
                try thread.wait()
            }
        } matching: { issue in
            issue.comments.map(\.rawValue) == ["known"]
        }
    }

    @Test
    func `keeps known issues of two green threads apart`() throws {
        try withTestHub {
            let threads = ["one", "other"].map { name in
                spawn { () throws in
                    try withKnownIssue {
                        try GreenThread.yield()
                        #expect(Bool(false), "\(name)")
                        try GreenThread.yield()
                    } matching: { issue in
                        issue.comments.map(\.rawValue) == [name]
                    }
                }
            }
            for thread in threads {
                try thread.wait()
            }
        }
    }

    @Test
    func `confirms what green threads do`() async throws {
        try await confirmation(expectedCount: 3) { confirm in
            try await withTestHub {
                let threads = (1...3).map { seconds in
                    spawn(after: .seconds(seconds)) { confirm() }
                }
                for thread in threads {
                    try thread.wait()
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `does not run into a time limit in virtual time`() async throws {
        try await withTestHub { try GreenThread.sleep(for: .seconds(24 * 3600)) }
    }
}
