/// A number of resources, such as connections to a database, that green threads share.
///
/// ```swift
/// let connections = try ResourcePool(maximum: 10, maximumIdle: .seconds(30)) {
///     try connect(to: "10.0.0.5:5432")
/// } destroy: {
///     $0.close()
/// }
/// let answer = try connections.withItem { connection in
///     try connection.write("ping\n")
///     return try connection.readLine()
/// }
/// ```
///
/// They are created when they are wanted and none is idle, up to the maximum; then threads wait for one. Whoever has
/// waited longest gets the next, and a newcomer queues behind those who wait. A waiter that is killed or runs out of
/// time takes none. A resource that was put back is given out again; one that was discarded, or is too old, is
/// destroyed, and another created in its place once it is wanted.
///
/// Creating and destroying may block. A thread that wants a resource creates it; whoever puts one back that is not
/// to be kept, discards one, or makes the pool smaller destroys it. A resource that has been idle for too long is
/// destroyed in a thread of the pool. Until it is created or destroyed it counts as in use, so that there are never
/// more than the maximum.
///
/// Resources that are idle when the last reference to the pool is gone are destroyed by whoever dropped it. Those in
/// use are left to their users.
///
/// A pool belongs to its OS thread; so it is not `Sendable`.
public final class ResourcePool<Resource> {
    /// Which of the idle resources is given out next.
    public enum Order: Hashable, Sendable {
        /// The one that was put back last. A few are used much, and the others may grow old and go.
        case lifo
        /// The one that has been idle longest. All are used alike.
        case fifo
    }

    typealias Item = PooledItem<Resource>

    let order: Order
    let maximumIdle: Duration?
    let maximumAge: Duration?
    let discardsOnError: Bool
    let create: () throws -> Resource
    let destroy: (Resource) -> Void

    /// How many resources there are at most, idle or in use.
    public internal(set) var maximum: Int

    /// Those that nobody uses, in the order in which they were put.
    var items: [Item] = []

    /// Places that are taken, of which there are `maximum`: by resources that are in use, created or destroyed, or on
    /// their way to a waiter. Idle ones take the rest of them, or less.
    var taken = 0

    /// Resources that were given out and have not come back.
    var lent = 0

    /// When those were created, where that matters.
    var births: [ObjectIdentifier: ContinuousClock.Instant] = [:]

    /// Threads that wait, in the order they came. They are sent an item, or nothing: a place to create one in. While
    /// there are any, no place is free and nothing idle.
    var waiters: [Event<Item?>] = []

    /// The delayed thread that destroys what has been idle for too long, while there is such, and when it wakes.
    var keeper: GreenThread<Void>?
    var keeperDue = ContinuousClock.now

    /// Makes a pool. Blocks where `create` does, if there is a minimum.
    ///
    /// Negative numbers and a minimum above the maximum are mistakes that end the process.
    ///
    /// - Parameters:
    ///   - minimum: How many resources to create now. Later there may be fewer.
    ///   - maximum: How many there may be. With 0 a `get` waits until the pool is resized.
    ///   - order: Which of the idle ones is given out next.
    ///   - maximumIdle: For how long a resource may be idle before it is destroyed; nil is forever. With zero or less
    ///     none is kept: each is destroyed when it is put back, and the pool only limits how many there are.
    ///   - maximumAge: How old a resource may be to be kept or given out again; nil is any age. Zero or less is as for
    ///     `maximumIdle`. Otherwise the resources have to be objects: to be told apart.
    ///   - discardsOnError: Whether ``withItem(timeout:_:)`` discards a resource whose body threw.
    ///   - create: Makes a resource.
    ///   - destroy: Called with each resource that the pool no longer wants; the default does nothing.
    /// - Throws: What `create` threw; those that it had made before are destroyed.
    @available(*, noasync)
    public init(
        minimum: Int = 0,
        maximum: Int = 4,
        order: Order = .lifo,
        maximumIdle: Duration? = nil,
        maximumAge: Duration? = nil,
        discardsOnError: Bool = true,
        create: @escaping () throws -> Resource,
        destroy: @escaping (Resource) -> Void = { _ in }
    ) throws {
        guard minimum >= 0, minimum <= maximum else {
            fatalError("a ResourcePool cannot have \(minimum) to \(maximum) resources")
        }
        self.maximum = maximum
        self.order = order
        self.maximumIdle = maximumIdle.map { min($0, .longest) }
        self.maximumAge = maximumAge.map { min($0, .longest) }
        self.discardsOnError = discardsOnError
        self.create = create
        self.destroy = destroy
        for _ in 0..<minimum {
            // When one fails, deinit destroys the others.
            keep(try makeItem())
        }
    }

    deinit {
        keeper?.cancel()
        for item in items {
            destroy(item.resource)
        }
    }
}

@available(*, unavailable)
extension ResourcePool: Sendable {}

extension ResourcePool {
    /// How many resources there are, idle or in use. Those that are being created or destroyed count.
    public var count: Int { items.count + taken }

    /// How many resources are idle.
    public var idleCount: Int { items.count }

    /// How many can be got now without waiting for others, be they idle or still to be created. Negative when the pool
    /// was made smaller than what is in use.
    public var availableCount: Int { maximum - taken }

    /// How many threads wait for a resource.
    public var waitingCount: Int {
        waiters.count { $0.waitingCount > 0 }
    }
}
