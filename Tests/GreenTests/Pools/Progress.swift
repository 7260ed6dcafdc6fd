/// Counts the elements that a map reads, starts and completes.
final class Progress {
    var pulled = 0
    var started = 0
    var ended = 0
    var running = 0
    var mostRunning = 0

    /// An infinite sequence that counts the elements that are read.
    func elements() -> AnyIterator<Int> {
        AnyIterator {
            self.pulled += 1
            return self.pulled - 1
        }
    }

    func work<Result>(_ body: () throws -> Result) throws -> Result {
        started += 1
        running += 1
        mostRunning = max(mostRunning, running)
        defer {
            running -= 1
            ended += 1
        }
        return try body()
    }
}
