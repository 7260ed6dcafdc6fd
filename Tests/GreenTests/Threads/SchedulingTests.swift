import Green
import Testing

@Suite("Green threads run")
struct SchedulingTests {
    @Test
    func `in the order in which they became ready`() throws {
        try onHub { () throws in
            var order: [Int] = []
            let threads = (0..<4).map { number in
                spawn {
                    order.append(number)
                    try GreenThread.yield()
                    order.append(number + 10)
                }
            }
            #expect(order == [])
            for thread in threads {
                try thread.wait()
            }
            #expect(order == [0, 1, 2, 3, 10, 11, 12, 13])
        }
    }

    @Test
    func `in the order of their deadlines when they sleep`() throws {
        try onHub { () throws in
            var order: [Int] = []
            let threads = [30, 10, 20].map { number in
                spawn {
                    try GreenThread.sleep(for: .milliseconds(number * 5))
                    order.append(number)
                }
            }
            for thread in threads {
                try thread.wait()
            }
            #expect(order == [10, 20, 30])
        }
    }

    @Test
    func `and sleep at least as long as requested`() throws {
        try onHub { () throws in
            let clock = ContinuousClock()
            let slept = try clock.measure { try GreenThread.sleep(for: .microseconds(1500)) }
            #expect(slept >= .microseconds(1500))
            try GreenThread.sleep(for: .zero)
            try GreenThread.sleep(for: .seconds(-5))
        }
    }

    @Test
    func `and begin after a delay, after those without one`() throws {
        try onHub { () throws in
            var order: [String] = []
            let late = spawn(after: .milliseconds(20)) { order.append("late") }
            let soon = spawn(after: .zero) { order.append("soon") }
            let now = spawn { order.append("now") }
            try late.wait()
            try soon.wait()
            try now.wait()
            #expect(order.last == "late")
            #expect(order.count == 3)
        }
    }

    @Test
    func `detached ones as well`() throws {
        try onHub { () throws in
            var order: [Int] = []
            detach { order.append(1) }
            spawn { order.append(2) }
            detach(name: "third", stackSize: 128 << 10) { order.append(3) }
            #expect(order == [])
            try settle()
            #expect(order == [1, 2, 3])
        }
    }

    @Test
    func `by the ten thousand`() throws {
        try onHub { () throws in
            var sum = 0
            let threads = (0..<10_000).map { number in
                spawn(stackSize: 64 << 10) {
                    try GreenThread.yield()
                    sum += number
                }
            }
            for thread in threads {
                try thread.wait()
            }
            #expect(sum == 49_995_000)
        }
    }
}
