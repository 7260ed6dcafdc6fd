internal import CGreen

extension SocketAddress: Hashable {
    public static func == (left: SocketAddress, right: SocketAddress) -> Bool {
        unsafe withUnsafePointer(to: left.storage) { left in
            unsafe withUnsafePointer(to: right.storage) { right in
                unsafe green_address_equal(left, right)
            }
        }
    }

    public func hash(into hasher: inout Hasher) {
        unsafe withUnsafeBytes(of: storage.storage) { bytes in
            unsafe hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(storage.length))))
        }
    }
}

extension SocketAddress: LosslessStringConvertible {
    /// Creates an address from its text form, or returns nil where ``init(parsing:)`` would throw.
    public init?(_ description: String) {
        guard let address = try? SocketAddress(parsing: description) else { return nil }
        self = address
    }

    /// The text form, such as `127.0.0.1:6000`.
    public var description: String {
        unsafe withUnsafePointer(to: storage) { address in
            unsafe String(unsafeUninitializedCapacity: Int(GREEN_ADDRESS_TEXT_MAX)) { text in
                unsafe text.withMemoryRebound(to: CChar.self) {
                    min(unsafe green_address_print(address, $0.baseAddress!, $0.count), $0.count - 1)
                }
            }
        }
    }
}
