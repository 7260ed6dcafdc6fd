internal import CGreen

extension When {
    /// A case that waits until an event is sent, like ``Event/wait(timeout:)``.
    ///
    /// If an error was sent, the select throws it.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - body: The code to run with the value.
    @inlinable
    public static func sent<Value>(
        _ event: Event<Value>,
        _ body: @escaping (Value) throws -> Output
    ) -> When where Source == SelectEvent<Value> {
        When(source: SelectEvent(event: event, round: event.round), body: body)
    }

    /// A case that acquires a permit of a semaphore, like ``SemaphoreBase/acquire(timeout:)``.
    ///
    /// - Parameters:
    ///   - semaphore: The semaphore.
    ///   - body: The code to run with the permit, which it releases.
    @inlinable
    public static func acquired(
        _ semaphore: SemaphoreBase,
        _ body: @escaping () throws -> Output
    ) -> When where Source == SelectPermit {
        When(source: SelectPermit(semaphore: semaphore), body: body)
    }

    /// A case that waits until a thread has ended, like ``GreenThread/wait(timeout:)``.
    ///
    /// If the thread has ended with an error, the select throws it.
    ///
    /// - Parameters:
    ///   - thread: The thread.
    ///   - body: The code to run with the result of the thread.
    @inlinable
    public static func ended<Success>(
        _ thread: GreenThread<Success>,
        _ body: @escaping (Success) throws -> Output
    ) -> When where Source == SelectThread<Success> {
        When(source: SelectThread(state: thread.state), body: body)
    }
}

/// The source of ``When/sent(_:_:)``.
public struct SelectEvent<Value>: SelectSource {
    @usableFromInline
    let event: Event<Value>

    /// The round in which the wait begins has the value that ends it.
    @usableFromInline
    let round: Event<Value>.Round

    @usableFromInline
    init(event: Event<Value>, round: Event<Value>.Round) {
        self.event = event
        self.round = round
    }

    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe prepareCase(slot, green_case_event(event.handle))
    }

    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws -> Value {
        try unsafe checkCase(slot)
        return try round.outcome!.get()
    }
}

/// The source of ``When/acquired(_:_:)``.
public struct SelectPermit: SelectSource {
    @usableFromInline
    let semaphore: SemaphoreBase

    @usableFromInline
    init(semaphore: SemaphoreBase) {
        self.semaphore = semaphore
    }

    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe prepareCase(slot, green_case_acquire(semaphore.handle))
    }

    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws {
        try unsafe checkCase(slot)
    }
}

/// The source of ``When/ended(_:_:)``.
public struct SelectThread<Success>: SelectSource {
    @usableFromInline
    let state: ThreadState

    @usableFromInline
    init(state: ThreadState) {
        self.state = state
    }

    /// A thread that the core does not know has ended, and its case is ready: its time has come.
    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        if let handle = state.handle {
            unsafe prepareCase(slot, green_case_thread(handle))
        } else {
            unsafe prepareCase(slot, green_case_deadline(0))
        }
    }

    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws -> Success {
        let served = unsafe servedCase(slot)
        try unsafe check(served.error)
        unsafe state.observeEnd(withResult: served.result)
        return try state.outcome(Success.self).get()
    }
}
