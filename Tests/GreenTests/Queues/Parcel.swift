import Green

/// An item with a number, and an object whose destruction is recorded.
struct Parcel: Comparable {
    let number: Int
    let tracked: Tracked

    static func == (left: Parcel, right: Parcel) -> Bool {
        left.number == right.number
    }

    static func < (left: Parcel, right: Parcel) -> Bool {
        left.number < right.number
    }
}

extension Ledger {
    func parcel(_ number: Int) -> Parcel {
        Parcel(number: number, tracked: make())
    }
}

/// The three kinds of queues, for tests that hold for each.
enum QueueKind: CaseIterable {
    case fifo, lifo, priority

    func make<Item: Comparable>(_: Item.Type = Item.self, capacity: Int? = nil) -> Queue<Item> {
        switch self {
        case .fifo: Queue(capacity: capacity)
        case .lifo: LIFOQueue(capacity: capacity)
        case .priority: PriorityQueue(capacity: capacity)
        }
    }
}

/// Takes all items that are in a queue now.
func drain<Item>(_ queue: Queue<Item>) throws -> [Item] {
    var items: [Item] = []
    while !queue.isEmpty, let item = try queue.tryGet() {
        items.append(item)
    }
    return items
}
