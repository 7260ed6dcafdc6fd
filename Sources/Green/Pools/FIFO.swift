/// Elements in the order they came: an array whose front is cleared as it is taken, and now and then cut off.
struct FIFO<Element> {
    private var room: [Element?] = []
    private var head = 0

    var count: Int { room.count - head }

    var first: Element? {
        head < room.count ? room[head] : nil
    }

    mutating func append(_ element: Element) {
        room.append(element)
    }

    /// Drops the first element. There has to be one.
    mutating func removeFirst() {
        room[head] = nil
        head += 1
        if head >= 32, head >= room.count / 2 {
            room.removeFirst(head)
            head = 0
        }
    }

    /// Drops the last of the elements that match.
    mutating func removeLast(where matches: (Element) -> Bool) {
        if let index = room.lastIndex(where: { $0.map(matches) == true }) {
            room.remove(at: index)
        }
    }

    /// Whether one of the first few elements matches.
    func first(_ few: Int, contain matches: (Element) -> Bool) -> Bool {
        room[head...].prefix(few).contains { $0.map(matches) == true }
    }

    func forEach(_ body: (Element) -> Void) {
        room[head...].forEach { $0.map(body) }
    }
}
