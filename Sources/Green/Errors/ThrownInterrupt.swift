/// The error of the program that an interrupt of the current thread has thrown last: that of a `kill(throwing:)`, or of a
/// ``Timeout`` that throws another error.
///
/// Any error may be one, so it can only be recognised by comparing it.
final class ThrownInterrupt {
    private static let last = GreenLocal<ThrownInterrupt>(inherited: false)

    /// An error that is an object. The record does not keep it.
    private weak var object: AnyObject?

    /// Any other error.
    private let value: (any Error)?

    private init(_ error: any Error) {
        let isObject = type(of: error) is AnyClass
        object = isObject ? error as AnyObject : nil
        value = isObject ? nil : error
    }

    /// Records an error that a call of the current thread is about to throw. Those that are recognised without a record
    /// are left out.
    static func record(_ error: any Error) {
        if !(error is GreenExit) {
            last.value = ThrownInterrupt(error)
        }
    }

    /// Whether the error is the last one of the current thread.
    static func isLast(_ error: any Error) -> Bool {
        last.value?.matches(error) ?? false
    }

    private func matches(_ error: any Error) -> Bool {
        guard let value else { return object != nil && object === error as AnyObject }
        return (value as? any Equatable)?.equals(error) ?? haveSameBox(value, error)
    }
}

extension Equatable {
    fileprivate func equals(_ other: Any) -> Bool {
        self == other as? Self
    }
}

/// Whether two errors are the same thrown value. An error that is a value is in a box, which is passed on when it is
/// thrown and caught again as an `any Error`.
private func haveSameBox(_ left: any Error, _ right: any Error) -> Bool {
    // The casts keep the call from opening the boxes.
    unsafe unsafeBitCast(left as any Error, to: UInt.self) == unsafeBitCast(right as any Error, to: UInt.self)
}
