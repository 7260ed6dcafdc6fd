import Green

/// An item with a number to tell it by and an object whose end is known.
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

/// The three queues, for what has to hold in each.
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

/// Takes all that is in a queue now.
func drain<Item>(_ queue: Queue<Item>) throws -> [Item] {
    var items: [Item] = []
    while !queue.isEmpty, let item = try queue.tryGet() {
        items.append(item)
    }
    return items
}
