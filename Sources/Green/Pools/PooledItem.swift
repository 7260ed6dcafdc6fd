/// A resource of a ``ResourcePool`` that is not in use.
struct PooledItem<Resource> {
    let resource: Resource

    /// When it was created, if there is a maximum age.
    let birth: ContinuousClock.Instant?

    /// When it will be too old, or idle for too long.
    var due: ContinuousClock.Instant?

    func isDue(at now: @autoclosure () -> ContinuousClock.Instant) -> Bool {
        guard let due else { return false }
        return due <= now()
    }
}
