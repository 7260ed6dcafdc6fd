import Green
import Testing

@Suite("Threads of a map or a pool whose last reference ends on another OS thread")
struct PoolForeignEndTests {
    @Test(arguments: Elsewhere.allCases, [true, false])
    func `are killed on their hub if it is a map`(place: Elsewhere, inOrder: Bool) throws {
        try onHub { () throws in
            let gone = Count()
            var maps: [Holder<GreenMap<Void>>] = []
            for _ in 0..<10 {
                let work = { (guest: Guest) in try GreenThread.sleep(for: .seconds(guest.number + 1000)) }
                let pool = GreenPool(size: 4)
                let input = (0..<4).map { _ in Guest(gone) }
                let map = inOrder ? pool.map(input, work) : pool.mapUnordered(input, work)
                #expect(failure { try map.next(timeout: .zero) }?.code == .timedOut)
                maps.append(Holder(map))
            }
            try settle()
            #expect(gone.value == 0)
            place.end(maps)
            try until { gone.value == 40 }
        }
    }

    @Test(arguments: Elsewhere.allCases)
    func `are killed on their hub if it is a DAG pool`(place: Elsewhere) throws {
        try onHub { () throws in
            let gone = Count()
            var pools: [Holder<DAGPool<Int, Guest>>] = []
            for _ in 0..<10 {
                let pool = DAGPool<Int, Guest>(preload: [0: Guest(gone)])
                for key in 1...3 {
                    let guest = Guest(gone)
                    try pool.spawn(key, dependsOn: [9]) { results in
                        defer { withExtendedLifetime(guest) {} }
                        return try results[9]
                    }
                }
                pools.append(Holder(pool))
            }
            try settle()
            #expect(gone.value == 0)
            place.end(pools)
            try until { gone.value == 40 }
        }
    }

    @Test(arguments: Elsewhere.allCases)
    func `continue if only a wait for each value of a DAG pool ends`(place: Elsewhere) throws {
        try onHub { () throws in
            let pool = DAGPool<Int, Int>()
            try pool.spawn(1) { results in try results[2] }
            var waits: [Holder<DAGPool<Int, Int>.Each>] = []
            for _ in 0..<10 {
                waits.append(Holder(pool.waitEach(for: [1])))
            }
            place.end(waits)
            try settle()
            try pool.post(5, for: 2)
            #expect(try pool.value(for: 1) == 5)
        }
    }

    @Test(arguments: Elsewhere.allCases)
    func `stop if it is a pool of resources, which are destroyed there`(place: Elsewhere) throws {
        try onHub { () throws in
            let destroyed = Count()
            var pools: [Holder<ResourcePool<Guest>>] = []
            let gone = Count()
            for _ in 0..<10 {
                let pool = try ResourcePool(minimum: 2, maximumIdle: .seconds(1000)) {
                    Guest(gone)
                } destroy: { _ in
                    destroyed.add()
                }
                pools.append(Holder(pool))
            }
            place.end(pools)
            #expect(destroyed.value == 20)
            #expect(gone.value == 20)
        }
    }
}
