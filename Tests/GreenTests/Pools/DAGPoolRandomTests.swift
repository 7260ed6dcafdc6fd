import Green
import Testing

/// Random graphs, compared with a sequential computation.
@Suite("A random graph in a DAG pool")
struct DAGPoolRandomTests {
    @Test(arguments: 1...20)
    func `has the same values as when it is computed in order`(_ seed: UInt64) throws {
        try onHub { () throws in
            var chance = Chance(seed: seed)
            let count = 200
            var dependencies: [Int: [Int]] = [:]
            for key in 0..<count {
                dependencies[key] = (0..<min(key, 5)).map { _ in Int(chance.next() % UInt64(key)) }
            }
            let mistakes = Set((0..<5).map { _ in Int(chance.next() % UInt64(count)) })
            let posted = Set((0..<40).map { _ in Int(chance.next() % UInt64(count)) }).subtracting(mistakes)
            let plain = values(dependencies, mistakes: mistakes, posted: posted)

            let pool = DAGPool<Int, Int>()
            let readers = (0..<20).map { _ in
                let key = Int(chance.next() % UInt64(count))
                return (key, spawn { try pool.value(for: key) })
            }
            for key in (0..<count).shuffled(using: &chance) {
                let way = chance.next() % 4
                if posted.contains(key) {
                    try pool.post(7 * key, for: key)
                } else {
                    try pool.spawn(key, dependsOn: dependencies[key]!) { results in
                        try sum(results, key, way: way, mistakes: mistakes)
                    }
                }
                if chance.next() % 8 == 0 {
                    try GreenThread.yield()
                }
            }
            var seen: [Int: Int] = [:]
            for item in pool.waitEach() {
                if case .success(let (key, value)) = item {
                    seen[key] = value
                }
            }
            #expect(seen == plain)
            #expect(pool.keys.count == count)
            for (key, reader) in readers {
                #expect((try? reader.wait()) == plain[key])
            }
            let failed = try pool.waitEachError().map { try $0.get() }
            #expect(failed.count == count - plain.count)
            #expect(failed.allSatisfy { $0.cause is Mistake })
        }
    }

    /// The values of the keys that do not fail.
    private func values(_ dependencies: [Int: [Int]], mistakes: Set<Int>, posted: Set<Int>) -> [Int: Int] {
        var values: [Int: Int] = [:]
        for key in 0..<dependencies.count {
            if posted.contains(key) {
                values[key] = 7 * key
                continue
            }
            let parts = Set(dependencies[key]!).map { values[$0] }
            if !mistakes.contains(key), !parts.contains(nil) {
                values[key] = parts.reduce(key) { ($0 &+ $1!) % 1_000_003 }
            }
        }
        return values
    }
}

/// The value of a key of a random graph, computed from its dependencies in one of several ways.
private func sum(_ results: DAGResults<Int, Int>, _ key: Int, way: UInt64, mistakes: Set<Int>) throws -> Int {
    var total = key
    func add(_ value: Int) {
        total = (total &+ value) % 1_000_003
    }
    switch way {
    case 0: try results.all().values.forEach(add)
    case 1: try results.forEach { try add($0.get().value) }
    default: try results.dependencies.forEach { try add(results[$0]) }
    }
    if way == 3 {
        try GreenThread.sleep(for: .microseconds(key))
    }
    if mistakes.contains(key) {
        throw Mistake(number: key)
    }
    return total
}
