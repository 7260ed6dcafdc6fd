extension GreenPool {
    /// Calls a function for each element of a sequence, in threads of the pool, and returns the results in the order of
    /// the elements.
    ///
    /// ```swift
    /// let pages = pool.map(hosts) { try fetch($0) }
    /// while let page = try pages.next() {
    ///     print(page.count)
    /// }
    /// ```
    ///
    /// A map is lazy and applies back-pressure: nothing starts before the first result is requested, and at most as
    /// many elements as the size of the pool are running or wait to be taken. So the input may be infinite. See
    /// ``GreenMap`` for errors.
    ///
    /// For a function of several arguments, map a sequence of tuples:
    ///
    /// ```swift
    /// let sums = pool.map(zip(left, right)) { a, b in a + b }
    /// ```
    ///
    /// Does not block.
    ///
    /// - Parameters:
    ///   - input: The elements. Each is taken when it can be started, in the thread that requests a result.
    ///   - transform: The function to call for each element.
    /// - Returns: The results.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func map<Input, Output>(
        _ input: some Sequence<Input>,
        _ transform: @escaping (Input) throws -> Output
    ) -> GreenMap<Output> {
        let elements = MapElements(input.makeIterator())
        return map(pulling: { elements.iterator.next() }, transform)
    }

    /// Calls a function for each element that a closure returns. The closure may throw and may block.
    ///
    /// ```swift
    /// let pages = pool.map(pulling: { try addresses.next() }) { try fetch($0) }
    /// ```
    ///
    /// An error of the closure ends the input. It is thrown at its position, after the results of the elements before
    /// it. An interrupt of the thread that requests a result does not end the input.
    ///
    /// - Parameters:
    ///   - pull: Returns the next element, or nil at the end. Called in the thread that requests a result. While it
    ///     blocks, that thread blocks, even if a result is ready, and regardless of the timeout of the request.
    ///   - transform: The function to call for each element.
    /// - Returns: The results.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func map<Input, Output>(
        pulling pull: @escaping () throws -> Input?,
        _ transform: @escaping (Input) throws -> Output
    ) -> GreenMap<Output> {
        GreenMap(MapWork(self, inOrder: true, MapWork.pull(pull, transform)))
    }

    /// Same as ``map(_:_:)``, but returns the results in the order in which they become available.
    ///
    /// ```swift
    /// let pages = pool.mapUnordered(hosts) { host in (host, try fetch(host)) }
    /// ```
    ///
    /// Does not block.
    ///
    /// - Parameters:
    ///   - input: The elements. Each is taken when it can be started, in the thread that requests a result.
    ///   - transform: The function to call for each element.
    /// - Returns: The results.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func mapUnordered<Input, Output>(
        _ input: some Sequence<Input>,
        _ transform: @escaping (Input) throws -> Output
    ) -> GreenMap<Output> {
        let elements = MapElements(input.makeIterator())
        return mapUnordered(pulling: { elements.iterator.next() }, transform)
    }

    /// Same as ``map(pulling:_:)``, but returns the results in the order in which they become available.
    ///
    /// - Parameters:
    ///   - pull: Returns the next element, or nil at the end. Called in the thread that asks for a result. While it
    ///     blocks, so does that thread, even where a result is ready; it is not limited by a timeout of that call.
    ///   - transform: What to call for each element.
    /// - Returns: The results. An error of `pull` is the last one.
    @available(*, noasync, message: "it is for green threads: call it in withGreenThread { } or hub.run { }")
    @inlinable
    public func mapUnordered<Input, Output>(
        pulling pull: @escaping () throws -> Input?,
        _ transform: @escaping (Input) throws -> Output
    ) -> GreenMap<Output> {
        GreenMap(MapWork(self, inOrder: false, MapWork.pull(pull, transform)))
    }
}

/// The input of a map. Only one thread at a time requests an element, so it does without the run-time check for
/// overlapping accesses.
@usableFromInline
final class MapElements<Iterator: IteratorProtocol> {
    @safe @exclusivity(unchecked)
    @usableFromInline
    var iterator: Iterator

    @inlinable
    init(_ iterator: Iterator) {
        self.iterator = iterator
    }
}
