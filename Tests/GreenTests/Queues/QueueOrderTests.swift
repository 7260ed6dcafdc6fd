import Green
import Testing

@Suite("A queue with an order")
struct QueueOrderTests {
    private struct Job: Equatable {
        var urgency: Int
        var number: Int
    }

    @Test
    func `of last in, first out is a stack`() throws {
        try onHub { () throws in
            let queue = LIFOQueue<Int>()
            for number in 0..<5 {
                try queue.put(number)
            }
            #expect(try [queue.get(), queue.get()] == [4, 3])
            try queue.put(5)
            #expect(try drain(queue) == [5, 2, 1, 0])
        }
    }

    @Test
    func `of priority returns the lowest item first`() throws {
        try onHub { () throws in
            let queue = PriorityQueue<Int>()
            var numbers: [Int] = []
            var seed: UInt32 = 1
            for _ in 0..<5000 {
                seed = seed &* 1_664_525 &+ 1_013_904_223
                numbers.append(Int(seed >> 20))
            }
            for number in numbers {
                try queue.put(number)
            }
            #expect(try drain(queue) == numbers.sorted())
        }
    }

    @Test
    func `of priority keeps the order while items are put and taken`() throws {
        try onHub { () throws in
            let queue = PriorityQueue<Int>()
            var model: [Int] = []
            var agrees = true
            var seed: UInt32 = 7
            for _ in 0..<5000 {
                seed = seed &* 1_664_525 &+ 1_013_904_223
                if seed >> 31 == 0 || model.isEmpty {
                    let number = Int(seed >> 16 & 0xFF)
                    try queue.put(number)
                    model.append(number)
                    model.sort()
                } else {
                    agrees = try queue.get() == model.removeFirst() && agrees
                }
            }
            #expect(agrees)
            #expect(try drain(queue) == model)
        }
    }

    @Test
    func `by a closure needs no Comparable, and keeps equal items in the order they were put`() throws {
        try onHub { () throws in
            let queue = PriorityQueue<Job>(capacity: 100) { $0.urgency > $1.urgency }
            for number in 0..<30 {
                try queue.put(Job(urgency: number % 3, number: number))
            }
            let jobs = try drain(queue)
            let expected = [2, 1, 0].flatMap { urgency in
                (0..<10).map { Job(urgency: urgency, number: $0 * 3 + urgency) }
            }
            #expect(jobs == expected)
        }
    }

    @Test
    func `does not change the order of waiting threads`() throws {
        for kind in QueueKind.allCases {
            try onHub { () throws in
                let queue = kind.make(Int.self, capacity: 1)
                var order: [Int] = []
                let consumers = (0..<3).map { number in
                    spawn {
                        _ = try queue.get()
                        order.append(number)
                    }
                }
                try settle()
                for item in [7, 9, 8] {
                    try queue.put(item)
                }
                try settle()
                #expect(order == [0, 1, 2])
                order = []
                let producers = [5, 3, 4, 2].enumerated().map { number, item in
                    spawn {
                        try queue.put(item)
                        order.append(number)
                    }
                }
                try settle()
                var items: [Int] = []
                for _ in producers {
                    items.append(try queue.get())
                    try settle()
                }
                #expect(order == [0, 1, 2, 3])
                #expect(items == [5, 3, 4, 2], "there was never more than one to choose from")
                for thread in consumers + producers {
                    try thread.wait()
                }
            }
        }
    }

    @Test
    func `admits the longest waiting put, wherever its item is sorted`() throws {
        try onHub { () throws in
            let stack = LIFOQueue<Int>(capacity: 2)
            let heap = PriorityQueue<Int>(capacity: 2)
            for queue in [stack, heap] as [Queue<Int>] {
                let producers = [5, 3, 4, 6].map { item in spawn { try queue.put(item) } }
                try settle()
                var items: [Int] = []
                for _ in producers {
                    items.append(try queue.get())
                }
                #expect(items == (queue === stack ? [3, 4, 6, 5] : [3, 4, 5, 6]))
                for producer in producers {
                    try producer.wait()
                }
            }
        }
    }
}
