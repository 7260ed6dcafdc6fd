internal import CGreen

extension When {
    /// A case that is ready after some time, measured from the select.
    ///
    /// - Parameters:
    ///   - duration: The time; zero or less is ready at once.
    ///   - body: The code to run.
    @inlinable
    public static func after(
        _ duration: Duration,
        _ body: @escaping () throws -> Output
    ) -> When where Source == SelectTime {
        When(source: SelectTime(duration: duration), body: body)
    }
}

/// The source of ``When/after(_:_:)``.
public struct SelectTime: SelectSource {
    @usableFromInline
    let duration: Duration

    @usableFromInline
    init(duration: Duration) {
        self.duration = duration
    }

    public func prepare(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) {
        unsafe prepareCase(slot, green_case_after(max(duration.nanoseconds, 0)))
    }

    public func finish(_ slot: UnsafeMutableRawPointer, _ room: UnsafeMutableRawPointer) throws {
        try unsafe checkCase(slot)
    }
}
