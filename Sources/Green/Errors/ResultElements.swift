/// The next element of a sequence of results, whose iterator keeps `hasEnded`.
///
/// - Parameters:
///   - hasEnded: Whether the last element was returned.
///   - isLast: Whether an error is the last element.
///   - next: Returns the next element, or nil at the end.
@inlinable
func nextElement<Element>(
    _ hasEnded: inout Bool,
    endingWith isLast: (any Error) -> Bool = { _ in true },
    _ next: () throws -> Element?
) -> Result<Element, any Error>? {
    guard !hasEnded else { return nil }
    do {
        if let element = try next() {
            return .success(element)
        }
        hasEnded = true
        return nil
    } catch {
        hasEnded = isLast(error)
        return .failure(error)
    }
}

/// Whether the next call would fail in the same way. After an interrupt it would not.
@usableFromInline
func wouldFailAgain(_ error: any Error) -> Bool {
    error is SystemError || error is DeadlockError
}
