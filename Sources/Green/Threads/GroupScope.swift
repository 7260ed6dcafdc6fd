internal import CGreen

/// The part of a ``GroupWork`` that owns its threads: that of a ``withGreenGroup(of:collectingErrors:_:)``.
final class GroupScope {
    /// The first thread that failed, and so ended the group.
    // No access spans a call, so none can overlap.
    @safe @exclusivity(unchecked)
    var failure: ThreadState?

    /// Whether the body has ended, so that an error is not the first any more.
    @safe @exclusivity(unchecked)
    var bodyHasFailed = false

    /// Whether the core has freed its group.
    @safe @exclusivity(unchecked)
    var hasEnded = false

    let collectsErrors: Bool

    init(collectingErrors collectsErrors: Bool) {
        self.collectsErrors = collectsErrors
    }

    /// Begins a group of the core that has this object as its scope.
    func begin() throws -> OpaquePointer {
        var options = unsafe green_group_options()
        unsafe options.collects_errors = collectsErrors
        unsafe options.discard = releaseThread
        unsafe options.is_failure = isFailure
        unsafe options.argument = Unmanaged.passUnretained(self).toOpaque()
        var handle: OpaquePointer?
        try check(unsafe green_group_begin(&handle, &options))
        return unsafe handle!
    }

    /// Records a thread that could not be started. Returns whether that ends the group.
    func fail(_ state: ThreadState) -> Bool {
        guard !collectsErrors, !bodyHasFailed, failure == nil else { return false }
        failure = state
        return true
    }
}

/// The core calls this when a thread of the group has ended. Only Swift knows whether its function threw.
private func isFailure(
    _ result: Int32,
    _ context: UnsafeMutableRawPointer?,
    _ scope: UnsafeMutableRawPointer?
) -> Bool {
    let state = unsafe Unmanaged<ThreadState>.fromOpaque(context!).takeUnretainedValue()
    switch state.content {
    case .value: return false
    case .error(let error): guard !(error is GreenExit) else { return false }
    case .function, .nothing: guard result < 0, result != failedInSwift else { return false }  // a thread of C
    }
    return unsafe Unmanaged<GroupScope>.fromOpaque(scope!).takeUnretainedValue().fail(state)
}
