import Green
import InMemoryTracing
import Testing
import Tracing

extension ServiceContext {
    private enum Key: ServiceContextKey {
        typealias Value = String
    }

    fileprivate var name: String? {
        get { self[Key.self] }
        set { self[Key.self] = newValue }
    }
}

private func named<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
    var context = ServiceContext.topLevel
    context.name = name
    return try ServiceContext.withValue(context, operation: body)
}

private var name: String? { ServiceContext.current?.name }

@Suite("Tracing")
struct TracingTests {
    @Test
    func `a context belongs to its green thread, and is inherited by spawn, hubs, handlers and bridges`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let hubs = try HubPool(count: 1)
                let threads = ["a", "b"].map { own in
                    spawn { () -> [String?] in
                        try named(own) { () -> [String?] in
                            try GreenThread.yield()
                            let inner = spawn { name }
                            let remote = hubs[0].spawn { name }
                            let pooled = try GreenPool(size: 1).spawn { name }
                            return try [
                                name, inner.wait(), remote.wait(), pooled.wait(), offload { name },
                                awaiting { name }, awaiting { try await withGreenThread { name } }, name,
                            ]
                        }
                    }
                }
                try require(threads[0].wait() == Array(repeating: "a", count: 8))
                try require(threads[1].wait() == Array(repeating: "b", count: 8))
                require(name == nil)
                let server = try named("server") {
                    try Server(on: "127.0.0.1:0", hubs: hubs) { client, _ in try client.write("\(name ?? "none")\n") }
                }
                try require(connect(to: server.address).readLine() == "server")
                try server.stop()
                try hubs.close()
            }
        }
    }

    @Test
    func `the spans of interleaved green threads have the right parents`() async {
        await #expect(processExitsWith: .success) {
            inChild {
                let tracer = InMemoryTracer()
                let threads = (0..<50).map { number in
                    spawn {
                        try tracer.withSpan("outer \(number)") { _ in
                            try GreenThread.yield()
                            try spawn {
                                try tracer.withSpan("inner \(number)") { _ in try GreenThread.yield() }
                            }.wait()
                        }
                    }
                }
                for thread in threads { try thread.wait() }
                let spans = Dictionary(uniqueKeysWithValues: tracer.finishedSpans.map { ($0.operationName, $0) })
                for number in 0..<50 {
                    let outer = spans["outer \(number)"]!
                    let inner = spans["inner \(number)"]!
                    require(inner.parentSpanID == outer.spanID && inner.traceID == outer.traceID)
                    require(outer.parentSpanID == nil)
                }
            }
        }
    }
}
