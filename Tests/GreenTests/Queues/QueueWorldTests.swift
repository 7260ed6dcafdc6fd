import Green
import Testing

/// All sequences of a few steps by a few threads on a queue, each compared with a simple model.
@Suite("Every short sequence of steps on a queue")
struct QueueWorldTests {
    enum Step: String, CaseIterable {
        /// In a new thread, which may stay blocked.
        case put, get
        /// The same with a timeout that expires at once.
        case putBriefly, getBriefly
        /// In the test's own thread.
        case tryPut, tryGet, resizeToNothing, resizeToOne, resizeToAny, close
        /// Kills the thread that has waited longest, or the one that has waited shortest.
        case killOldest, killNewest
    }

    /// The outcome of a thread's call.
    enum Outcome: Equatable {
        case put, got(Int), tooLate, closed, killed
    }

    struct World: CustomTestStringConvertible {
        let kind: QueueKind
        let capacity: Int?
        let beginning: [Step]
        let length: Int

        var testDescription: String {
            let before = beginning.map(\.rawValue).joined(separator: ", ")
            return "\(kind) of \(capacity.map(String.init) ?? "any"), [\(before)], then \(length) steps"
        }

        /// All sequences of this length.
        var stories: some Sequence<[Step]> {
            let steps = Step.allCases
            let count = (0..<length).reduce(1) { product, _ in product * steps.count }
            return (0..<count).lazy.map { number in
                var rest = number
                return beginning
                    + (0..<length).map { _ in
                        defer { rest /= steps.count }
                        return steps[rest % steps.count]
                    }
            }
        }
    }

    static let worlds: [World] =
        [0, 1, nil].flatMap { capacity in
            [
                World(kind: .fifo, capacity: capacity, beginning: [], length: capacity == nil ? 3 : 4),
                World(kind: .fifo, capacity: capacity, beginning: [.get, .get], length: 3),
                World(kind: .fifo, capacity: capacity, beginning: [.put, .put, .put], length: 3),
            ]
        }
        + [QueueKind.lifo, .priority].flatMap { kind in
            [
                World(kind: kind, capacity: 2, beginning: [.put], length: 3),
                World(kind: kind, capacity: 2, beginning: [.put, .put, .put, .put], length: 3),
                World(kind: kind, capacity: 0, beginning: [.put, .put], length: 3),
            ]
        }

    @Test(arguments: worlds)
    func `has the same outcome as in a simple model, and destroys each item once`(_ world: World) throws {
        try onHub { () throws in
            for isHasty in [false, true] {
                for (number, story) in world.stories.enumerated() {
                    let ledger = Ledger()
                    var play = Play(world, ledger, isHasty: isHasty)
                    let mismatch = try play.perform(story, isDrained: number.isMultiple(of: 2))
                    play.leave()
                    try #require(
                        mismatch == nil,
                        "\(story.map(\.rawValue)), \(isHasty ? "hasty" : "calm"): \(mismatch ?? "")"
                    )
                    try #require(ledger.gone == ledger.made, "\(story.map(\.rawValue))")
                }
            }
        }
    }
}

/// One sequence of steps, on a queue and on its model.
private struct Play {
    typealias Step = QueueWorldTests.Step
    typealias Outcome = QueueWorldTests.Outcome

    /// The outcomes that the threads of the queue record.
    private final class Notes {
        var outcomes: [Int: Outcome] = [:]
    }

    private var model: QueueModel
    private var queue: Queue<Parcel>?
    private let ledger: Ledger
    private let notes = Notes()
    private var threads: [Int: GreenThread<Void>] = [:]

    /// Whether a thread that was served does not run before the next step.
    private let isHasty: Bool

    init(_ world: QueueWorldTests.World, _ ledger: Ledger, isHasty: Bool) {
        model = QueueModel(kind: world.kind, capacity: world.capacity)
        queue = world.kind.make(capacity: world.capacity)
        self.ledger = ledger
        self.isHasty = isHasty
    }

    /// Returns the first difference between the queue and the model.
    mutating func perform(_ story: [Step], isDrained: Bool) throws -> String? {
        guard let queue else { return nil }
        for (party, step) in story.enumerated() {
            try perform(step, party, queue)
            if let difference = difference(queue) {
                return "step \(party): \(difference)"
            }
            if !isHasty {
                try rest()
                guard notes.outcomes == model.outcomes else { return "step \(party): \(notes.outcomes)" }
            }
        }
        queue.close()
        model.close()
        try rest()
        guard notes.outcomes == model.outcomes else { return "\(notes.outcomes) instead of \(model.outcomes)" }
        guard threads.values.allSatisfy(\.isFinished) else { return "a thread is left behind" }
        if isDrained {
            let items = try drain(queue).map(\.number)
            let expected = model.drain()
            guard items == expected else { return "\(items) were left instead of \(expected)" }
        }
        return nil
    }

    mutating func leave() {
        queue = nil
        threads = [:]
    }

    /// Runs all threads until each is blocked or has ended.
    private func rest() throws {
        try GreenThread.yield()
        try GreenThread.yield()
    }

    private mutating func perform(_ step: Step, _ party: Int, _ queue: Queue<Parcel>) throws {
        // An order that is neither that of the puts nor its reverse.
        let number = (party * 5 + 3) % 7
        switch step {
        case .put, .putBriefly:
            model.put(number, by: party, waits: step == .put)
            let ledger = self.ledger
            try start(party, isBrief: step == .putBriefly) { timeout in
                try queue.put(ledger.parcel(number), timeout: timeout)
                return .put
            }
        case .get, .getBriefly:
            model.get(by: party, waits: step == .get)
            try start(party, isBrief: step == .getBriefly) { .got(try queue.get(timeout: $0).number) }
        case .tryPut:
            model.put(number, by: party, waits: false)
            note(party) { try queue.tryPut(ledger.parcel(number)) ? .put : .tooLate }
        case .tryGet:
            model.get(by: party, waits: false)
            note(party) { try queue.tryGet().map { .got($0.number) } ?? .tooLate }
        case .resizeToNothing, .resizeToOne, .resizeToAny:
            let capacity = step == .resizeToNothing ? 0 : step == .resizeToOne ? 1 : nil
            model.resize(capacity)
            queue.resize(capacity: capacity)
        case .close:
            model.close()
            queue.close()
        case .killOldest, .killNewest:
            let unfinished = threads.filter { !$0.value.isFinished }.keys
            guard let victim = step == .killOldest ? unfinished.min() : unfinished.max() else { return }
            model.kill(victim)
            try threads[victim]?.kill()
        }
    }

    /// Starts a call in a new thread, and returns when the call has ended or is blocked.
    private mutating func start(_ party: Int, isBrief: Bool, _ call: @escaping (Duration?) throws -> Outcome) throws {
        let notes = self.notes
        let thread = spawn { Play.note(party, in: notes) { try call(isBrief ? .nanoseconds(1) : nil) } }
        if isBrief {
            try thread.wait()
        } else {
            threads[party] = thread
            try GreenThread.yield()
        }
    }

    private func note(_ party: Int, _ call: () throws -> Outcome) {
        Play.note(party, in: notes, call)
    }

    private static func note(_ party: Int, in notes: Notes, _ call: () throws -> Outcome) {
        do {
            notes.outcomes[party] = try call()
        } catch is QueueClosed {
            notes.outcomes[party] = .closed
        } catch is GreenExit {
            notes.outcomes[party] = .killed
        } catch {
            notes.outcomes[party] = (error as? SystemError)?.code == .timedOut ? .tooLate : nil
        }
    }

    private func difference(_ queue: Queue<Parcel>) -> String? {
        let found = [queue.count, queue.gettingCount, queue.puttingCount, queue.unfinishedCount]
        let expected = [model.items.count, model.getters.count, model.putters.count, model.unfinished]
        if found != expected {
            return "count, getting, putting, unfinished are \(found) instead of \(expected)"
        }
        if queue.capacity != model.capacity || queue.isClosed != model.isClosed || queue.isFull == model.hasRoom {
            return "capacity \(queue.capacity as Int?), closed \(queue.isClosed), full \(queue.isFull)"
        }
        return nil
    }
}

/// A model of a queue, in arrays.
private struct QueueModel {
    let kind: QueueKind
    private(set) var capacity: Int?
    private(set) var isClosed = false
    private(set) var items: [Int] = []
    private(set) var getters: [Int] = []
    private(set) var putters: [(party: Int, item: Int)] = []
    private(set) var unfinished = 0
    private(set) var outcomes: [Int: QueueWorldTests.Outcome] = [:]

    init(kind: QueueKind, capacity: Int?) {
        self.kind = kind
        self.capacity = capacity
    }

    var hasRoom: Bool {
        capacity.map { items.count < $0 } ?? true
    }

    mutating func put(_ item: Int, by party: Int, waits: Bool) {
        if isClosed {
            outcomes[party] = .closed
        } else if !getters.isEmpty {
            outcomes[getters.removeFirst()] = .got(item)
            outcomes[party] = .put
            unfinished += 1
        } else if hasRoom {
            store(item, of: party)
        } else if waits {
            putters.append((party, item))
        } else {
            outcomes[party] = .tooLate
        }
    }

    mutating func get(by party: Int, waits: Bool) {
        if !items.isEmpty {
            outcomes[party] = .got(take())
            admit()
        } else if !putters.isEmpty {
            let putter = putters.removeFirst()
            outcomes[party] = .got(putter.item)
            outcomes[putter.party] = .put
            unfinished += 1
        } else if isClosed {
            outcomes[party] = .closed
        } else if waits {
            getters.append(party)
        } else {
            outcomes[party] = .tooLate
        }
    }

    mutating func resize(_ capacity: Int?) {
        self.capacity = capacity
        admit()
    }

    mutating func close() {
        isClosed = true
        for party in getters + putters.map(\.party) {
            outcomes[party] = .closed
        }
        getters = []
        putters = []
    }

    /// Ends the wait of a party. A party that has been served keeps its outcome.
    mutating func kill(_ party: Int) {
        if outcomes[party] == nil {
            outcomes[party] = .killed
        }
        getters.removeAll { $0 == party }
        putters.removeAll { $0.party == party }
    }

    mutating func drain() -> [Int] {
        var drained: [Int] = []
        while !items.isEmpty {
            drained.append(take())
        }
        return drained
    }

    private mutating func store(_ item: Int, of party: Int) {
        items.append(item)
        outcomes[party] = .put
        unfinished += 1
    }

    private mutating func admit() {
        while hasRoom, !putters.isEmpty {
            let putter = putters.removeFirst()
            store(putter.item, of: putter.party)
        }
    }

    private mutating func take() -> Int {
        switch kind {
        case .fifo: items.removeFirst()
        case .lifo: items.removeLast()
        case .priority: items.remove(at: items.indices.min { items[$0] < items[$1] } ?? 0)
        }
    }
}
