import Green
import Testing

/// Many threads over few resources, with all that can come between, made by chance.
@Suite("A resource pool under stress")
struct ResourcePoolStressTests {
    struct Case: CustomTestStringConvertible {
        let seed: UInt64
        let order: ResourcePool<Workshop.Thing>.Order
        let maximumIdle: Duration?
        let maximumAge: Duration?

        var testDescription: String {
            "\(seed), \(order), idle \(maximumIdle, default: "forever"), age \(maximumAge, default: "any")"
        }
    }

    static let cases = (1...24 as ClosedRange<UInt64>).map { seed in
        Case(
            seed: seed,
            order: seed.isMultiple(of: 2) ? .lifo : .fifo,
            maximumIdle: [nil, .microseconds(50), .zero][Int(seed % 3)],
            maximumAge: seed % 4 == 0 ? .microseconds(200) : nil
        )
    }

    @Test(arguments: cases)
    func `serves everybody in order and loses nothing`(_ test: Case) throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(
                maximum: 4,
                order: test.order,
                maximumIdle: test.maximumIdle,
                maximumAge: test.maximumAge
            )
            let stress = Stress(workshop, pool, seed: test.seed)
            try stress.run()
            #expect(stress.complaints.isEmpty)
            #expect(stress.workers.allSatisfy { $0.served == 10 }, "everybody had one")
            #expect(workshop.most <= 4)
            #expect(pool.count == workshop.alive)
            #expect(pool.count == pool.idleCount, "all are back")
            #expect(pool.waitingCount == 0)
            let things = try (0..<4).map { _ in try pool.get(timeout: .zero) }
            #expect(pool.figures == [4, 0, 0, 0], "no place was lost")
            things.forEach(pool.put)
        }
    }
}

/// Workers that want resources, and somebody who disturbs them.
private final class Stress {
    final class Worker {
        let number: Int
        var thread: GreenThread<Void>?
        var served = 0

        /// Whether others may be served before it: it was killed, or may run out of time.
        var mayBePassed = false

        /// What had happened when it came, which tells whether it had to wait.
        var arrival = 0

        init(_ number: Int) {
            self.number = number
        }
    }

    let workshop: Workshop
    let pool: ResourcePool<Workshop.Thing>
    let workers = (0..<50).map(Worker.init)
    private(set) var complaints: [String] = []

    private var chance: Chance

    /// Those who want a resource and have not been served, in the order they came.
    private var line: [Worker] = []

    /// How often somebody has done something.
    private var events = 0
    private let current = GreenLocal<Worker>()

    init(_ workshop: Workshop, _ pool: ResourcePool<Workshop.Thing>, seed: UInt64) {
        self.workshop = workshop
        self.pool = pool
        chance = Chance(seed: seed)
    }

    /// True once in so many times.
    private func happens(onceIn times: UInt64) -> Bool {
        chance.next() % times == 0
    }

    func run() throws {
        workshop.onMake = { [unowned self] in try make() }
        workshop.onDestroy = { [unowned self] in pause() }
        for worker in workers {
            worker.thread = spawn { [unowned self] in
                current.value = worker
                for _ in 0..<1000 where worker.served < 10 {
                    work(worker)
                }
            }
        }
        // One that is killed before it begins never does.
        try GreenThread.yield()
        while workers.contains(where: { !$0.thread!.isFinished }) {
            try disturb()
        }
        for worker in workers {
            try? worker.thread?.wait()
        }
        pool.resize(to: 4)
        workshop.onMake = {}
        workshop.onDestroy = {}
        // The timer may be destroying one.
        for _ in 0..<1000 where pool.count > pool.idleCount {
            try GreenThread.yield()
        }
    }

    private func disturb() throws {
        if happens(onceIn: 6), let worker = workers.randomElement(using: &chance) {
            worker.mayBePassed = true
            try worker.thread?.kill(throwing: Mistake(number: worker.number))
        }
        if happens(onceIn: 20) {
            pool.resize(to: Int(chance.next() % 5))
        }
        if happens(onceIn: 40) {
            pool.clear()
        }
        if pool.maximum == 0 {
            pool.resize(to: 4)
        }
        try GreenThread.yield()
    }

    /// One time of wanting, having and giving back.
    private func work(_ worker: Worker) {
        let timeout: Duration? = happens(onceIn: 4) ? .microseconds(Int(chance.next() % 300)) : nil
        worker.mayBePassed = timeout != nil
        events += 1
        worker.arrival = events
        line.append(worker)
        defer { line.removeAll { $0 === worker } }
        do {
            if happens(onceIn: 2) {
                try pool.withItem(timeout: timeout) { try use($0, worker) }
            } else {
                let thing = try pool.get(timeout: timeout)
                do {
                    try use(thing, worker)
                } catch {
                    pool.discard(thing)
                    return
                }
                pool.put(thing)
            }
        } catch {
            // A kill, the end of the timeout, or something that could not be created.
        }
    }

    private func use(_ thing: Workshop.Thing, _ worker: Worker) throws {
        serve(worker)
        worker.served += 1
        if thing.isInUse {
            complaints.append("thing \(thing.number) is in use by two")
        }
        thing.isInUse = true
        defer { thing.isInUse = false }
        for _ in 0..<chance.next() % 3 {
            try GreenThread.yield()
        }
        if happens(onceIn: 10) {
            try GreenThread.sleep(for: .microseconds(Int(chance.next() % 200)))
        }
        if happens(onceIn: 10) {
            throw Mistake(number: 0)
        }
    }

    private func make() throws {
        if let worker = current.value {
            serve(worker)
        }
        if happens(onceIn: 2) {
            try GreenThread.yield()
        }
        if happens(onceIn: 5) {
            throw Mistake(number: -1)
        }
    }

    private func pause() {
        if let worker = current.value {
            serve(worker)
        }
        if happens(onceIn: 2) {
            // Somebody may kill who destroys; it goes on all the same.
            try? GreenThread.yield()
        }
    }

    /// It is a worker's turn: it has a place in the pool, if nothing else yet.
    ///
    /// When it had to wait, there is nobody left who came before it, but for those that may be passed. Otherwise
    /// nobody waits: who is left has a place already and has not run since.
    private func serve(_ worker: Worker) {
        defer { events += 1 }
        guard let place = line.firstIndex(where: { $0 === worker }) else { return }
        line.remove(at: place)
        if worker.arrival == events {
            if pool.waitingCount > 0 {
                complaints.append("\(worker.number) was served though \(pool.waitingCount) wait")
            }
        } else if let other = line[..<place].first(where: { !$0.mayBePassed }) {
            complaints.append("\(worker.number) was served before \(other.number)")
        }
    }
}
