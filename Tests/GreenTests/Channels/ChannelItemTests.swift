import Green
import Testing

/// An item that cannot be moved by copying its bytes.
private struct WeakItem: Sendable {
    weak let guest: Guest?
}

private struct LargeItem: Sendable, Equatable {
    var numbers = InlineArray<40, Int>(repeating: 0)
    var text: String

    init(_ number: Int) {
        text = "item \(number) with storage on the heap"
        numbers[39] = number
    }

    static func == (left: LargeItem, right: LargeItem) -> Bool {
        left.text == right.text && left.numbers[39] == right.numbers[39]
    }
}

@Suite("An item of a channel")
struct ChannelItemTests {
    private func passes<Item: Sendable>(_ items: [Item], _ isSame: (Item, Item) -> Bool) throws {
        for capacity in [nil, 0, 2] {
            let channel = Channel<Item>(capacity: capacity)
            let sender = spawn {
                for item in items {
                    try channel.send(item)
                }
                channel.close()
            }
            var taken: [Item] = []
            while let item = try channel.next() {
                taken.append(item)
            }
            try sender.wait()
            #expect(taken.count == items.count)
            let areSame = zip(taken, items).allSatisfy(isSame)
            #expect(areSame, "\(Item.self), \(String(describing: capacity))")
        }
    }

    @Test
    func `may have any size, alignment and kind`() throws {
        try onHub { () throws in
            try passes([(), (), ()]) { _, _ in true }
            try passes([true, false, true], ==)
            try passes((0..<5).map { SIMD16<Double>(repeating: Double($0)) }, ==)
            try passes((0..<5).map { "text \($0) with storage on the heap" }, ==)
            try passes((0..<5).map(LargeItem.init), ==)
            try passes([1, nil, 3] as [Int?], ==)
            try passes((0..<3).map { Mistake(number: $0) as any Error }) { $0 as? Mistake == $1 as? Mistake }
            let gone = Count()
            let guests = (0..<5).map { Guest(gone, number: $0) }
            try passes(guests, ===)
            try passes(guests.map { WeakItem(guest: $0) }) { $0.guest === $1.guest && $0.guest != nil }
            #expect(gone.value == 0)
            withExtendedLifetime(guests) {}
        }
    }

    @Test
    func `is destroyed once, wherever it is`() throws {
        try onHub { () throws in
            let gone = Count()
            do {
                let channel = Channel<Guest>(capacity: 2)
                try channel.send(Guest(gone))
                try channel.send(Guest(gone))
                #expect(try !channel.trySend(Guest(gone)))
                #expect(gone.value == 1, "refused")
                #expect(failure { try channel.send(Guest(gone), timeout: .zero) }?.code == .timedOut)
                #expect(gone.value == 2, "timed out")
                let sender = spawn { try channel.send(Guest(gone)) }
                try settle()
                try sender.kill(waitingForEnd: true)
                #expect(gone.value == 3, "killed")
                _ = try channel.receive()
                #expect(gone.value == 4, "received")
                _ = try channel.tryReceive()
                #expect(gone.value == 5, "received")
                try channel.send(Guest(gone))
                try channel.send(Guest(gone))
                let last = spawn { try channel.send(Guest(gone)) }
                try settle()
                channel.close()
                #expect(throws: ChannelClosed.self) { try last.wait() }
                #expect(throws: ChannelClosed.self) { try channel.send(Guest(gone)) }
                #expect(gone.value == 7, "closed")
                withExtendedLifetime(channel) {}
            }
            #expect(gone.value == 9, "left in the channel")
        }
    }

    @Test
    func `may hold the last reference to its channel`() throws {
        final class Letter: Sendable {
            let channel: Channel<Letter>?
            let guest: Guest

            init(_ channel: Channel<Letter>?, _ guest: Guest) {
                (self.channel, self.guest) = (channel, guest)
            }
        }
        try onHub { () throws in
            let gone = Count()
            do {
                let channel = Channel<Letter>()
                try channel.send(Letter(channel, Guest(gone)))
                let letter = try channel.receive()
                #expect(letter.channel === channel)
            }
            #expect(gone.value == 1)
        }
    }
}
