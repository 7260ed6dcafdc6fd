import Green

/// queue: passes an item from one thread to another, through a queue of 1 024 and by a rendezvous.
func benchmarkQueue(_ plan: Plan) throws {
    for producers in [1, 16] {
        try plan.measure("queue item", threads: producers, steps: 8_000_000) { steps in
            try pass(steps / producers, through: 1024, from: producers)
        }
        try plan.measure("rendezvous", threads: producers, steps: 4_000_000) { steps in
            try pass(steps / producers, through: 0, from: producers)
        }
    }
}

/// Gets a number of items from each producer.
private func pass(_ items: Int, through capacity: Int, from producers: Int) throws {
    let queue = Queue<Int>(capacity: capacity)
    for _ in 0..<producers {
        detach {
            for item in 0..<items {
                try queue.put(item)
            }
        }
    }
    var sum = 0
    for _ in 0..<items * producers {
        sum += try queue.get()
    }
    precondition(sum == items * (items - 1) / 2 * producers, "each item arrives once")
    try GreenThread.yield()  // lets the last producers return
}
