import Green
import Testing

@Suite("A resource that expires in a pool")
struct ResourcePoolTimeTests {
    /// Lets time pass while no other green thread runs.
    private func waste(_ duration: Duration) {
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {}
    }

    /// Sleeps until a condition holds.
    private func expectSoon(
        _ condition: () -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for _ in 0..<5000 where !condition() {
            try GreenThread.sleep(for: .milliseconds(1))
        }
        #expect(condition(), sourceLocation: sourceLocation)
    }

    @Test
    func `is destroyed by a timer when it is idle for too long`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximumIdle: .milliseconds(2))
            for round in 1...3 {
                let things = try [pool.get(), pool.get()]
                things.forEach(pool.put)
                #expect(pool.idleCount == 2)
                try expectSoon { pool.idleCount == 0 }
                #expect(workshop.destroyed.count == 2 * round)
                #expect(pool.figures == [0, 0, 4, 0])
            }
        }
    }

    @Test
    func `is destroyed when its own time is up`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 10, maximumIdle: .milliseconds(5))
            let things = try (0..<10).map { _ in try pool.get() }
            for thing in things {
                pool.put(thing)
                try GreenThread.sleep(for: .microseconds(300))
            }
            try expectSoon { pool.count == 0 }
            #expect(workshop.destroyed == Array(1...10))
        }
    }

    @Test
    func `is destroyed in time if a younger one was put back before it`() throws {
        try withWorkshop { workshop throws in
            var wasFirst = false
            // On a busy machine both may expire before the timer runs, or one before it is put back.
            for _ in 0..<100 where !wasFirst {
                let pool = try workshop.pool(maximumAge: .milliseconds(8))
                let old = try pool.get()
                waste(.milliseconds(4))
                let young = try pool.get()
                pool.put(young)
                pool.put(old)
                let wereIdle = pool.idleCount == 2
                try expectSoon { pool.idleCount < 2 }
                wasFirst = wereIdle && pool.idleCount == 1
                try expectSoon { pool.count == 0 }
            }
            #expect(wasFirst)
        }
    }

    @Test
    func `is not reused after it expired, before the timer has run`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(minimum: 3, maximum: 3, maximumIdle: .milliseconds(2))
            waste(.milliseconds(3))
            let thing = try pool.get()
            #expect(thing.number == 4)
            #expect(workshop.destroyed.count == 3)
            pool.put(thing)
            #expect(try pool.get() === thing, "this one is young")
            pool.put(thing)
            #expect(workshop.most == 3)
        }
    }

    @Test
    func `is destroyed when it is put back too old, but not before`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 2, maximumAge: .milliseconds(5))
            let old = try pool.get()
            waste(.milliseconds(6))
            let young = try pool.get()
            #expect(workshop.destroyed.isEmpty, "it is in use")
            let waiter = spawn { try pool.withItem { $0.number } }
            try settle()
            pool.put(old)
            #expect(workshop.destroyed == [1])
            #expect(try waiter.wait() == 3, "the waiter does not get it")
            pool.discard(young)
        }
    }

    @Test
    func `keeps its age from one use to the next`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 1, maximumAge: .milliseconds(20))
            var uses = 0
            let begin = ContinuousClock.now
            while workshop.destroyed.isEmpty {
                try pool.withItem { _ in waste(.milliseconds(1)) }
                uses += 1
            }
            #expect(uses > 0)
            #expect(ContinuousClock.now - begin >= .milliseconds(20), "it was not destroyed before its time")
        }
    }

    @Test
    func `is destroyed by the timer when it is idle`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(minimum: 1, maximumIdle: .seconds(1000), maximumAge: .milliseconds(3))
            try pool.withItem { _ in }
            try expectSoon { pool.count == 0 }
            // On a loaded machine the first may expire before it is used.
            #expect(workshop.destroyed.count == workshop.begun)
        }
    }

    @Test
    func `stays while it is young`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(minimum: 2, maximumIdle: .seconds(1000), maximumAge: .seconds(2000))
            for _ in 0..<100 {
                try pool.withItem { _ in try GreenThread.yield() }
            }
            try GreenThread.sleep(for: .milliseconds(2))
            #expect(workshop.begun == 2)
            #expect(pool.figures == [2, 2, 4, 0])
        }
    }

    @Test(arguments: [Duration.zero, .seconds(-1)], [true, false])
    func `is destroyed after each use if the duration is zero or less`(_ duration: Duration, _ isIdle: Bool) throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(
                maximum: 2,
                maximumIdle: isIdle ? duration : .seconds(1000),
                maximumAge: isIdle ? nil : duration
            )
            var running = 0
            var most = 0
            let users = (0..<20).map { _ in
                spawn {
                    try pool.withItem { _ in
                        running += 1
                        most = max(most, running)
                        try GreenThread.yield()
                        running -= 1
                    }
                }
            }
            for user in users {
                try user.wait()
            }
            #expect(most == 2, "it is still a limit")
            #expect(workshop.begun == 20)
            #expect(workshop.destroyed.count == 20)
            #expect(workshop.most == 2)
            #expect(pool.figures == [0, 0, 2, 0])
        }
    }

    @Test
    func `need not be an object if its age is not tracked`() throws {
        try onHub { () throws in
            var destroyed = 0
            let pool = try ResourcePool(maximum: 1, maximumAge: .zero) {
                1
            } destroy: { _ in
                destroyed += 1
            }
            for _ in 0..<3 {
                try pool.withItem { _ in }
            }
            #expect(destroyed == 3)
        }
    }

    @Test
    func `keeps neither the pool nor the program alive`() async throws {
        try withWorkshop { workshop throws in
            // onHub expects that no timer is left.
            var pool: ResourcePool<Workshop.Thing>? = try workshop.pool(minimum: 2, maximumIdle: .seconds(1000))
            weak let watched = pool
            try settle()
            pool = nil
            #expect(watched == nil)
            #expect(workshop.destroyed.count == 2)
        }
        await #expect(processExitsWith: .success) {
            inChild {
                let pool = try Workshop().pool(minimum: 2, maximumIdle: .seconds(1000))
                try settle()
                precondition(pool.idleCount == 2)
            }
        }
    }

    @Test
    func `counts while the timer destroys it`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(minimum: 1, maximum: 1, maximumIdle: .milliseconds(1))
            workshop.onDestroy = { try? GreenThread.sleep(for: .milliseconds(3)) }
            try expectSoon { pool.idleCount == 0 }
            #expect(pool.figures == [1, 0, 0, 0])
            #expect(workshop.destroyed.isEmpty)
            #expect(try pool.withItem { $0.number } == 2, "after it")
            #expect(workshop.most == 1)
        }
    }
}
