/// A resource of a ``ResourcePool`` that is not in use.
struct PooledItem<Resource> {
    let resource: Resource

    /// When it was created, if there is a maximum age.
    let birth: HubInstant?

    /// When it will be too old, or idle for too long.
    var due: HubInstant?

    func isDue(at now: @autoclosure () -> HubInstant) -> Bool {
        guard let due else { return false }
        return due <= now()
    }
}
