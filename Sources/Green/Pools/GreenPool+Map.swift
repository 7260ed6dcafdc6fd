extension GreenPool {
    /// Calls a function for each element of a sequence, in threads of the pool, and hands out the results in the order
    /// of the elements.
    ///
    /// ```swift
    /// let pages = pool.map(hosts) { try fetch($0) }
    /// while let page = try pages.next() {
    ///     print(page.count)
    /// }
    /// ```
    ///
    /// Nothing happens until the first result is asked for. From then on no more elements are under way, or done and not
    /// taken, than the pool has room for; so the input may be endless. See ``GreenMap`` for errors.
    ///
    /// A function of several arguments takes its elements from a sequence of tuples:
    ///
    /// ```swift
    /// let sums = pool.map(zip(left, right)) { a, b in a + b }
    /// ```
    ///
    /// Does not block.
    ///
    /// - Parameters:
    ///   - input: The elements. Each is taken, in the thread that asks for a result, when it can be started.
    ///   - transform: What to call for each.
    /// - Returns: The results, to be taken one by one.
    @available(*, noasync)
    @inlinable
    public func map<Input, Output>(
        _ input: some Sequence<Input>,
        _ transform: @escaping (Input) throws -> Output
    ) -> GreenMap<Output> {
        var elements = input.makeIterator()
        return map(pulling: { elements.next() }, transform)
    }

    /// The same for elements that come from a closure, which may throw and may block.
    ///
    /// ```swift
    /// let pages = pool.map(pulling: { try addresses.next() }) { try fetch($0) }
    /// ```
    ///
    /// An error of the closure ends the input, and is thrown at its position, after the results of the elements before
    /// it. An interrupt of the thread that asks for a result is no such error, and ends nothing.
    ///
    /// - Parameters:
    ///   - pull: Returns the next element, or nil at the end. Called in the thread that asks for a result. While it
    ///     blocks, so does that thread, even where a result is ready; it is not limited by a timeout of that call.
    ///   - transform: What to call for each element.
    /// - Returns: The results, to be taken one by one.
    @available(*, noasync)
    @inlinable
    public func map<Input, Output>(
        pulling pull: @escaping () throws -> Input?,
        _ transform: @escaping (Input) throws -> Output
    ) -> GreenMap<Output> {
        GreenMap(MapWork(self, inOrder: true, MapWork.pull(pull, transform)))
    }

    /// Like ``map(_:_:)``, but hands out each result as soon as there is one.
    ///
    /// ```swift
    /// let pages = pool.mapUnordered(hosts) { host in (host, try fetch(host)) }
    /// ```
    ///
    /// Does not block.
    ///
    /// - Parameters:
    ///   - input: The elements. Each is taken, in the thread that asks for a result, when it can be started.
    ///   - transform: What to call for each.
    /// - Returns: The results, to be taken one by one, in the order they come about.
    @available(*, noasync)
    @inlinable
    public func mapUnordered<Input, Output>(
        _ input: some Sequence<Input>,
        _ transform: @escaping (Input) throws -> Output
    ) -> GreenMap<Output> {
        var elements = input.makeIterator()
        return mapUnordered(pulling: { elements.next() }, transform)
    }

    /// Like ``map(pulling:_:)``, but hands out each result as soon as there is one.
    ///
    /// - Parameters:
    ///   - pull: Returns the next element, or nil at the end. Called in the thread that asks for a result. While it
    ///     blocks, so does that thread, even where a result is ready; it is not limited by a timeout of that call.
    ///   - transform: What to call for each element.
    /// - Returns: The results, to be taken one by one, in the order they come about; an error of `pull` is the last one.
    @available(*, noasync)
    @inlinable
    public func mapUnordered<Input, Output>(
        pulling pull: @escaping () throws -> Input?,
        _ transform: @escaping (Input) throws -> Output
    ) -> GreenMap<Output> {
        GreenMap(MapWork(self, inOrder: false, MapWork.pull(pull, transform)))
    }
}
