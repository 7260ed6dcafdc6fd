internal import Green
internal import Synchronization

/// A value of each hub that only green threads of that hub use, and that therefore needs no lock.
public final class HubLocal<Value>: Sendable {
    private struct Box: @unchecked Sendable {
        let value: Value
    }

    private let make: @Sendable () -> Value
    private let boxes = Mutex<[Hub: Box]>([:])

    /// - Parameter make: Makes the value of a hub when a thread of the hub asks for it the first time. Must not block.
    public init(_ make: @escaping @Sendable () -> Value) {
        self.make = make
    }

    /// The value of the hub of the calling green thread.
    public var here: Value {
        get throws {
            let hub = try Hub.current
            return boxes.withLock { boxes in
                let box = boxes[hub] ?? Box(value: make())
                boxes[hub] = box
                return box
            }.value
        }
    }
}
