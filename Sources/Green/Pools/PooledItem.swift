/// A resource in a ``ResourcePool``, when it is not in use.
struct PooledItem<Resource> {
    let resource: Resource

    /// When it was created, where there is a maximum age.
    let birth: ContinuousClock.Instant?

    /// When it is too old, or has been idle for too long.
    var due: ContinuousClock.Instant?

    func isDue(at now: @autoclosure () -> ContinuousClock.Instant) -> Bool {
        guard let due else { return false }
        return due <= now()
    }
}
