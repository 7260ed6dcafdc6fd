extension Event {
    /// Sends an outcome to an event that was not sent before. A call on another OS thread ends the process.
    func sendOnce(_ outcome: Result<Value, any Error>) {
        do {
            try send(outcome)
        } catch {
            fatalError("\(error)")
        }
    }
}
