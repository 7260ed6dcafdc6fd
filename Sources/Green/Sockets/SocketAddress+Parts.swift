internal import CGreen
internal import Glibc

extension SocketAddress {
    /// The kinds of addresses.
    public enum Family: Hashable, Sendable {
        case ipv4
        case ipv6
        case unix
    }

    /// The kind of address. Nil for the address of a peer that had disconnected before its address was read.
    public var family: Family? {
        guard storage.length > 0 else { return nil }
        return switch Int32(storage.storage.ss_family) {
        case AF_INET: .ipv4
        case AF_INET6: .ipv6
        case AF_UNIX: .unix
        default: nil
        }
    }

    /// The numeric host, without brackets: `127.0.0.1`, `fe80::1%eth0`. Nil for a unix address.
    public var host: String? {
        guard family == .ipv4 || family == .ipv6, let colon = description.lastIndex(of: ":") else { return nil }
        return description[..<colon].trimming(prefix: "[", suffix: "]")
    }

    /// The port. Nil for a unix address.
    public var port: UInt16? {
        let port = unsafe withUnsafePointer(to: storage) { unsafe green_address_port($0) }
        return port < 0 ? nil : UInt16(port)
    }

    /// The path of a unix address, with an `@` before an abstract name; "" for a nameless one. Nil for the others.
    public var unixPath: String? {
        family == .unix ? String(description.dropFirst("unix:".count)) : nil
    }
}

extension Substring {
    fileprivate func trimming(prefix: Character, suffix: Character) -> String {
        first == prefix && last == suffix ? String(dropFirst().dropLast()) : String(self)
    }
}
