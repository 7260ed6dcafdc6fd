/// Owns an object that must be destroyed on its hub, because its `deinit` uses other objects of the hub.
///
/// The owner may be released on any OS thread. The object is then destroyed by the event loop of the hub, or at once if
/// the hub has ended. On the hub itself it is destroyed at once.
@safe
final class HubBound<Object: AnyObject> {
    @safe unowned(unsafe) let object: Object

    /// The same until it is bound to a hub.
    private var unbound: Object?

    /// Holds it from then on. A queue destroys its items on its hub.
    private let queue = Queue<Object>()

    init(_ object: Object) {
        self.object = object
        unbound = object
    }

    /// Binds the object to the hub of this OS thread. Does nothing the second time.
    func bind() {
        guard let object = unbound.take() else { return }
        do {
            _ = try queue.tryPut(object)
        } catch {
            fatalError("\(error)")
        }
    }
}
