import Green
import Testing

/// Runs a body with a workshop, and expects everything that was created in it to be destroyed and released once.
func withWorkshop(sourceLocation: SourceLocation = #_sourceLocation, _ body: (Workshop) throws -> Void) throws {
    let workshop = Workshop()
    // The closures usually capture the workshop itself.
    defer {
        workshop.onMake = {}
        workshop.onDestroy = {}
    }
    try onHub(sourceLocation: sourceLocation) { try body(workshop) }
    #expect(workshop.begun > 0, sourceLocation: sourceLocation)
    #expect(workshop.alive == 0, "all are destroyed", sourceLocation: sourceLocation)
    #expect(workshop.ledger.gone == workshop.ledger.made, "none is retained", sourceLocation: sourceLocation)
}

@Suite("A resource pool")
struct ResourcePoolTests {
    @Test
    func `creates resources on request, up to its maximum, and reuses them`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 3)
            #expect(pool.figures == [0, 0, 3, 0])
            let first = try pool.get()
            #expect(pool.figures == [1, 0, 2, 0])
            pool.put(first)
            #expect(pool.figures == [1, 1, 3, 0])
            let things = try (0..<3).map { _ in try pool.get() }
            #expect(things.map(\.number) == [1, 2, 3])
            #expect(things[0] === first)
            #expect(pool.figures == [3, 0, 0, 0])
            let waiter = spawn { try pool.get() }
            try settle()
            #expect(pool.figures == [3, 0, 0, 1])
            pool.put(things[1])
            #expect(pool.figures == [3, 0, 0, 0], "it belongs to the waiter")
            #expect(try waiter.wait() === things[1])
            things.forEach(pool.put)
            #expect(pool.figures == [3, 3, 3, 0])
            #expect(workshop.begun == 3)
        }
    }

    @Test
    func `creates its minimum at once`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(minimum: 2)
            #expect(workshop.begun == 2)
            #expect(pool.figures == [2, 2, 4, 0])
            try pool.withItem { #expect($0.number == 2) }
            #expect(workshop.begun == 2)
        }
    }

    @Test
    func `is not created if its minimum cannot be, and leaves nothing behind`() throws {
        try withWorkshop { workshop throws in
            workshop.onMake = {
                if workshop.begun == 3 {
                    throw Mistake(number: 3)
                }
            }
            #expect(throws: Mistake(number: 3)) { try workshop.pool(minimum: 4) }
            #expect(workshop.destroyed.sorted() == [1, 2])
        }
    }

    @Test(arguments: [ResourcePool<Workshop.Thing>.Order.lifo, .fifo])
    func `reuses idle resources in its order`(_ order: ResourcePool<Workshop.Thing>.Order) throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 3, order: order)
            let things = try (0..<3).map { _ in try pool.get() }
            for index in [1, 0, 2] {
                pool.put(things[index])
            }
            let numbers = try (0..<3).map { _ in try pool.get().number }
            #expect(numbers == (order == .lifo ? [3, 1, 2] : [2, 1, 3]))
            things.forEach(pool.put)
        }
    }

    @Test
    func `reuses the resource that was put back last by default`() throws {
        try withWorkshop { workshop throws in
            let pool = try ResourcePool(create: workshop.make, destroy: workshop.destroy)
            #expect(pool.maximum == 4)
            let things = try [pool.get(), pool.get()]
            things.forEach(pool.put)
            try pool.withItem { #expect($0.number == 2) }
        }
    }

    @Test
    func `does not create more than its maximum while creating blocks`() throws {
        try withWorkshop { workshop throws in
            workshop.onMake = { try settle() }
            let pool = try workshop.pool(maximum: 2)
            let users = (0..<6).map { _ in
                spawn { try pool.withItem { _ in try GreenThread.yield() } }
            }
            try GreenThread.yield()
            #expect(pool.figures == [2, 0, 0, 4])
            for user in users {
                try user.wait()
            }
            #expect(workshop.begun == 2)
            #expect(workshop.most == 2)
        }
    }

    @Test
    func `lets the next one try when creating fails`() throws {
        try withWorkshop { workshop throws in
            workshop.onMake = {
                let number = workshop.begun
                try GreenThread.yield()
                if number < 4 {
                    throw Mistake(number: number)
                }
            }
            let pool = try workshop.pool(maximum: 1)
            let users = (0..<5).map { _ in
                spawn { try pool.withItem { $0.number } }
            }
            try GreenThread.yield()
            #expect(pool.figures == [1, 0, 0, 4], "its place is taken while one is created")
            for (index, user) in users[..<3].enumerated() {
                #expect(throws: Mistake(number: index + 1)) { try user.wait() }
            }
            #expect(try users[3].wait() == 4)
            #expect(try users[4].wait() == 4)
            #expect(pool.figures == [1, 1, 1, 0])
        }
    }

    @Test
    func `releases the place when the creating thread is killed`() throws {
        try withWorkshop { workshop throws in
            workshop.onMake = { try GreenThread.sleep(for: workshop.begun == 1 ? .seconds(1000) : .zero) }
            let pool = try workshop.pool(maximum: 1)
            let killed = spawn { try pool.get() }
            let next = spawn { try pool.withItem { $0.number } }
            try settle()
            try killed.kill()
            #expect(throws: GreenExit.self) { try killed.wait() }
            #expect(try next.wait() == 2)
        }
    }

    @Test
    func `serves waiting threads in the order in which they came, before newcomers`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 1)
            var order: [Int] = []
            let thing = try pool.get()
            let users = (0..<10).map { number in
                spawn {
                    try pool.withItem { _ in
                        order.append(number)
                        if number.isMultiple(of: 3) {
                            try GreenThread.yield()
                        }
                    }
                }
            }
            try settle()
            pool.put(thing)
            #expect(failure { try pool.get(timeout: .zero) }?.code == .timedOut)
            try pool.withItem { _ in order.append(10) }
            #expect(order == Array(0...10))
            for user in users {
                try user.wait()
            }
            #expect(workshop.begun == 1)
        }
    }

    @Test
    func `gives nothing to a waiter that was killed or timed out`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 1)
            let thing = try pool.get()
            let killed = spawn { try pool.get() }
            let timed = spawn { try pool.get(timeout: .milliseconds(1)) }
            let limited = spawn { try withTimeout(.milliseconds(1)) { try pool.get() } }
            let latelyKilled = spawn { try pool.get() }
            let last = spawn { try pool.get() }
            try settle()
            #expect(pool.waitingCount == 5)
            try killed.kill(throwing: Mistake(number: 1))
            #expect(throws: Mistake(number: 1)) { try killed.wait() }
            let error = failure { try timed.wait() }
            #expect(error?.code == .timedOut)
            #expect(error?.message == "cannot get a resource: all 1 stayed in use (ETIMEDOUT)")
            #expect(throws: Timeout.self) { try limited.wait() }
            #expect(pool.waitingCount == 2)
            try latelyKilled.kill(throwing: Mistake(number: 2))
            #expect(pool.waitingCount == 1)
            pool.put(thing)
            #expect(throws: Mistake(number: 2)) { try latelyKilled.wait() }
            #expect(try last.wait() === thing)
            pool.put(thing)
            #expect(pool.figures == [1, 1, 1, 0])
        }
    }

    @Test
    func `gives a killed waiter the resource that was passed to it before`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 1)
            let thing = try pool.get()
            let waiter = spawn {
                let thing = try pool.get()
                defer { pool.put(thing) }
                try GreenThread.yield()
            }
            try settle()
            pool.put(thing)
            try waiter.kill()
            #expect(throws: GreenExit.self) { try waiter.wait() }
            #expect(pool.figures == [1, 1, 1, 0])
        }
    }

    @Test
    func `does not wait if the timeout is zero`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 1)
            let thing = try pool.get(timeout: .zero)
            #expect(failure { try pool.get(timeout: .zero) }?.code == .timedOut)
            #expect(failure { try pool.withItem(timeout: .zero) { _ in } }?.code == .timedOut)
            pool.put(thing)
            #expect(try pool.withItem(timeout: .zero) { $0 === thing })
        }
    }

    @Test
    func `replaces a discarded resource`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 1)
            let thing = try pool.get()
            let waiter = spawn { try pool.withItem { $0.number } }
            try settle()
            pool.discard(thing)
            #expect(workshop.destroyed == [1])
            #expect(try waiter.wait() == 2)
            #expect(pool.figures == [1, 1, 1, 0])
        }
    }

    @Test
    func `passes a resource to a body, and discards it after an error`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool()
            #expect(try pool.withItem { $0.number + 10 } == 11)
            #expect(pool.figures == [1, 1, 4, 0])
            #expect(throws: Mistake(number: 1)) { try pool.withItem { _ in throw Mistake(number: 1) } }
            #expect(workshop.destroyed == [1])
            #expect(pool.figures == [0, 0, 4, 0])
            let killed = spawn { try pool.withItem { _ in try GreenThread.sleep(for: .seconds(1000)) } }
            try settle()
            try killed.kill(waitingForEnd: true)
            #expect(workshop.destroyed == [1, 2])

            let trusting = try workshop.pool(discardsOnError: false)
            #expect(throws: Mistake(number: 2)) { try trusting.withItem { _ in throw Mistake(number: 2) } }
            #expect(trusting.figures == [1, 1, 4, 0])
        }
    }

    @Test
    func `that grows serves waiting threads at once`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 0)
            let users = (0..<4).map { _ in spawn { try pool.get() } }
            try settle()
            #expect(pool.figures == [0, 0, 0, 4])
            pool.resize(to: 3)
            #expect(pool.figures == [3, 0, 0, 1])
            let things = try users[..<3].map { try $0.wait() }
            #expect(things.map(\.number) == [1, 2, 3])
            pool.put(things[0])
            things[1...].forEach(pool.put)
            pool.put(try users[3].wait())
            #expect(pool.figures == [3, 3, 3, 0])
        }
    }

    @Test
    func `that shrinks destroys idle resources, and others when they are put back`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(maximum: 6)
            let things = try (0..<6).map { _ in try pool.get() }
            things[..<3].forEach(pool.put)
            pool.resize(to: 5)
            #expect(pool.maximum == 5)
            #expect(workshop.destroyed == [1], "the one that was idle longest")
            pool.resize(to: 2)
            #expect(workshop.destroyed == [1, 2, 3])
            #expect(pool.figures == [3, 0, -1, 0])
            let waiter = spawn { try pool.get() }
            try settle()
            pool.put(things[3])
            try settle()
            #expect(workshop.destroyed == [1, 2, 3, 4])
            #expect(pool.figures == [2, 0, 0, 1], "it is still full")
            pool.put(things[4])
            #expect(try waiter.wait() === things[4])
            pool.put(things[4])
            pool.put(things[5])
            #expect(pool.figures == [2, 2, 2, 0])
            pool.resize(to: 0)
            #expect(pool.figures == [0, 0, 0, 0])
            #expect(workshop.destroyed.count == 6)
        }
    }

    @Test
    func `that is cleared destroys its idle resources`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(minimum: 3)
            let thing = try pool.get()
            pool.clear()
            #expect(workshop.destroyed == [1, 2])
            #expect(pool.figures == [1, 0, 3, 0])
            pool.put(thing)
            try pool.withItem { #expect($0 === thing) }
            pool.clear()
            #expect(pool.figures == [0, 0, 4, 0])
            pool.clear()
        }
    }

    @Test
    func `counts a resource until it is destroyed`() throws {
        try withWorkshop { workshop throws in
            let pool = try workshop.pool(minimum: 2, maximum: 2)
            // This sleep is not interrupted.
            workshop.onDestroy = { try? GreenThread.sleep(for: .milliseconds(2)) }
            let cleaner = spawn { pool.clear() }
            try GreenThread.yield()
            #expect(pool.figures == [2, 0, 0, 0])
            let things = try [pool.get(), pool.get()]
            #expect(workshop.most == 2)
            #expect(things.map(\.number) == [3, 4])
            try cleaner.wait()
            let discarder = spawn { pool.discard(things[0]) }
            try GreenThread.yield()
            #expect(pool.figures == [2, 0, 0, 0])
            let next = try pool.get()
            #expect(workshop.most == 2)
            try discarder.wait()
            pool.put(next)
            pool.put(things[1])
        }
    }

    @Test
    func `accepts values that are not objects`() throws {
        try onHub { () throws in
            var destroyed: [Int] = []
            var next = 0
            let pool = try ResourcePool(maximum: 2) {
                next += 1
                return next
            } destroy: {
                destroyed.append($0)
            }
            #expect(try pool.withItem { first in try pool.withItem { [first, $0] } } == [1, 2])
            pool.clear()
            #expect(destroyed.sorted() == [1, 2])
        }
    }

    @Test
    func `destroys idle resources when it is released, and leaves the rest to their users`() throws {
        try withWorkshop { workshop throws in
            var pool: ResourcePool<Workshop.Thing>? = try workshop.pool(minimum: 3)
            let thing = try #require(pool).get()
            weak let watched = pool
            pool = nil
            #expect(watched == nil)
            #expect(workshop.destroyed == [1, 2])
            workshop.destroy(thing)
        }
    }

    @Test
    func `whose resources are never put back ends a wait in main with a deadlock`() async throws {
        let child = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            inChild {
                let pool = try ResourcePool(maximum: 1, maximumIdle: .milliseconds(1)) { 1 }
                _ = try pool.get()
                do {
                    _ = try pool.get()
                } catch let error as DeadlockError {
                    precondition(error.message.contains("all 1 are in use, and no thread can put one back"))
                    return
                }
                fatalError("there is nothing to get")
            }
        }
        #expect(reports(of: child).count { $0.contains("deadlock") } == 1)
    }

    @Test
    func `ends the process with a message when it is misused`() async throws {
        let negative = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild { _ = try ResourcePool(maximum: -1) { 1 } }
        }
        let reversed = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild { _ = try ResourcePool(minimum: 3, maximum: 2) { 1 } }
        }
        let resized = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild { try ResourcePool { 1 }.resize(to: -2) }
        }
        let tooMany = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let pool = try ResourcePool { 1 }
                pool.put(try pool.get())
                pool.put(1)
            }
        }
        let nothing = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild { try ResourcePool(minimum: 1) { 1 }.discard(1) }
        }
        let twice = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild {
                let pool = try Workshop().pool(maximumAge: .seconds(1000))
                let things = try [pool.get(), pool.get()]
                pool.put(things[0])
                pool.put(things[0])
            }
        }
        let ageless = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            inChild { _ = try ResourcePool(maximumAge: .seconds(1000)) { 1 }.get() }
        }
        let texts = [
            (negative, "a ResourcePool cannot have 0 to -1 resources"),
            (reversed, "a ResourcePool cannot have 3 to 2 resources"),
            (resized, "a ResourcePool cannot be resized to -2 resources"),
            (tooMany, "put: no resource of this ResourcePool is in use"),
            (nothing, "discard: no resource of this ResourcePool is in use"),
            (twice, "put: the resource is not from this ResourcePool, or was given back before"),
            (ageless, "a ResourcePool with a maximum age requires objects; Int is not a class"),
        ]
        for (child, expected) in texts {
            let text = String(decoding: child.standardErrorContent, as: UTF8.self)
            #expect(text.contains(expected), "\(text)")
        }
    }
}
