/// A pool of resources, such as connections to a database, that green threads share.
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
/// A resource is created when one is requested and none is idle, up to the maximum. Beyond that, threads wait. They are
/// served in the order in which they came. A wait that is killed or times out takes no resource. A resource that is put
/// back is reused. A resource that is discarded or too old is destroyed, and replaced by a new one when one is
/// requested.
///
/// Creating and destroying a resource may block. The thread that requests a resource creates it. The thread that puts
/// it back, discards it or shrinks the pool destroys it. A resource that has been idle for too long is destroyed in a
/// thread of the pool. Resources count as in use while they are created or destroyed, so there are never more than the
/// maximum.
///
/// `destroy` runs in a ``withCancellationShield(limit:_:)`` of five seconds, because a thread often discards a resource
/// after an interrupt.
///
/// When the last reference to the pool is released, its idle resources are destroyed in that thread, which may be on
/// another OS thread than the pool. Resources in use are left to their users.
///
/// A pool belongs to its OS thread, so it is not `Sendable`.
public final class ResourcePool<Resource> {
    /// Which idle resource is reused next.
    public enum Order: Hashable, Sendable {
        /// The one that was put back last. Few resources are used often, and the others can expire.
        case lifo
        /// The one that has been idle longest. All resources are used equally.
        case fifo
    }

    typealias Item = PooledItem<Resource>

    let order: Order
    let maximumIdle: Duration?
    let maximumAge: Duration?
    let discardsOnError: Bool
    let create: () throws -> Resource
    let destroy: (Resource) -> Void

    /// The maximum number of resources, idle or in use.
    public internal(set) var maximum: Int

    /// The idle resources, in the order in which they were put back.
    var items: [Item] = []

    /// The number of places in use, out of `maximum`: by resources that are in use, being created or destroyed, or
    /// passed to a waiter. Idle resources are not counted.
    var taken = 0

    /// The number of resources that were returned by `get` and not given back.
    var inUse = 0

    /// When those were created, if there is a maximum age.
    var births: [ObjectIdentifier: HubInstant] = [:]

    /// The waiting threads, in the order in which they came. Each is sent an item, or nil: a place to create one in.
    /// While threads wait, no place is free and no resource is idle.
    var waiters: [Event<Item?>] = []

    /// The delayed thread that destroys expired resources, if there is one, and when it wakes.
    var keeper: HubBound<PoolKeeper>?
    var keeperDue = HubInstant.now

    /// Creates a pool, and `minimum` resources. Blocks if `create` does.
    ///
    /// A negative number, or a minimum above the maximum, ends the process.
    ///
    /// - Parameters:
    ///   - minimum: How many resources to create now. Later there may be fewer.
    ///   - maximum: The maximum number of resources. With 0, a `get` waits until the pool is resized.
    ///   - order: Which idle resource is reused next.
    ///   - maximumIdle: How long a resource may be idle before it is destroyed; nil means no limit. With zero or less,
    ///     no resource is kept: each is destroyed when it is put back, and the pool only bounds how many there are.
    ///   - maximumAge: The age at which a resource is destroyed instead of reused; nil means no limit. Zero or less
    ///     means the same as for `maximumIdle`. A positive age requires that resources are objects, which have an
    ///     identity.
    ///   - discardsOnError: Whether ``withItem(timeout:_:)`` discards the resource if its body throws.
    ///   - create: Creates a resource.
    ///   - destroy: Called with each resource that the pool no longer keeps; the default does nothing.
    /// - Throws: What `create` threw. Resources that were created before are destroyed.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
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
            // If this throws, deinit destroys the others.
            keep(try makeItem())
        }
    }

    deinit {
        for item in items {
            destroy(item.resource)
        }
    }
}

@available(*, unavailable)
extension ResourcePool: Sendable {}

extension ResourcePool {
    /// The number of resources, idle or in use, including those that are being created or destroyed.
    public var count: Int { items.count + taken }

    /// The number of idle resources.
    public var idleCount: Int { items.count }

    /// How many resources ``get(timeout:)`` can return now without waiting for other threads. Negative if the pool was
    /// shrunk below the number of resources in use.
    public var availableCount: Int { maximum - taken }

    /// The number of threads that wait for a resource.
    public var waitingCount: Int {
        waiters.count { $0.waitingCount > 0 }
    }
}
