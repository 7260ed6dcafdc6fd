#if TLS
internal import CGreen

/// The options of a context in the form of the core, with the memory that they point to.
///
/// The core copies everything, so this memory lives only during the call.
@safe
final class OptionsMemory {
    var options = unsafe green_tls_options()
    private var pieces: [UnsafeMutableRawPointer] = unsafe []
    private var passphrases: [Passphrase] = []

    init(_ role: green_tls_role) {
        unsafe options.role = role
    }

    /// Calls the body with the options. The memory that they point to stays valid until the body returns.
    func withOptions(_ body: (UnsafePointer<green_tls_options>) -> Int32) -> Int32 {
        withExtendedLifetime(self) { unsafe body(&options) }
    }

    deinit {
        unsafe pieces.forEach { unsafe $0.deallocate() }
    }

    func use(_ common: TLS.Options) throws {
        unsafe options.minimum = green_tls_version(common.minimumVersion.rawValue)
        unsafe options.maximum = green_tls_version(common.maximumVersion?.rawValue ?? 0)
        // The core reads 0 as its default.
        unsafe options.handshake_timeout = common.handshakeTimeout.map { max($0.nanoseconds, 1) } ?? GREEN_FOREVER
        unsafe options.no_resumption = !common.resumesSessions
        unsafe options.key_log = common.logsKeys
        unsafe options.ciphers = try text(common.ciphers, "ciphers")
        unsafe options.suites = try text(common.cipherSuites, "cipherSuites")
        let protocols = try unsafe common.applicationProtocols.map { try unsafe text($0, "applicationProtocols") }
        unsafe options.protocols = UnsafePointer(copy(protocols))
        unsafe options.protocol_count = protocols.count
    }

    func use(identities: [TLS.Identity]) throws {
        let identities = try unsafe identities.map { identity in
            var converted = try unsafe green_tls_identity(
                chain: pem(identity.certificateChain, "certificateChain"),
                key: pem(identity.privateKey, "privateKey"),
                passphrase: nil,
                passphrase_context: nil
            )
            if let ask = identity.passphrase {
                let passphrase = Passphrase(ask)
                passphrases.append(passphrase)
                unsafe converted.passphrase = unsafe askPassphrase
                unsafe converted.passphrase_context = Unmanaged.passUnretained(passphrase).toOpaque()
            }
            return unsafe converted
        }
        unsafe options.identities = UnsafePointer(copy(identities))
        unsafe options.identity_count = identities.count
    }

    func use(authorities: PEM?) throws {
        if let authorities {
            unsafe options.authorities = try pem(authorities, "authorities")
        }
    }

    func use(pins: [TLS.Pin]) {
        unsafe options.pins = UnsafePointer(copy(pins.flatMap(\.bytes)))
        unsafe options.pin_count = pins.count
    }

    func use(ticketKey: TLS.TicketKey?) {
        if let ticketKey {
            unsafe options.ticket_key = UnsafePointer(copy(ticketKey.bytes))
        }
    }

    private func copy<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        // Elements are plain C values: nothing to destroy.
        unsafe memory.initialize(from: elements, count: elements.count)
        unsafe pieces.append(UnsafeMutableRawPointer(memory))
        return unsafe memory
    }

    private func text(_ string: String?, _ argument: StaticString) throws -> UnsafePointer<CChar>? {
        guard let string = try checked(string, argument) else { return nil }
        return unsafe UnsafePointer(copy(Array(string.utf8CString)))
    }

    private func pem(_ pem: PEM, _ argument: StaticString) throws -> green_tls_pem {
        switch pem.source {
        case .file(let path):
            try unsafe green_tls_pem(path: text(path, argument), bytes: nil, size: 0)
        case .memory(let bytes):
            // An empty text is an invalid PEM, not a missing one, so it needs an address.
            try unsafe green_tls_pem(
                path: nil,
                bytes: UnsafeRawPointer(copy(checked(bytes, argument) + [0])),
                size: bytes.count
            )
        }
    }
}

private final class Passphrase {
    let ask: () -> String?

    init(_ ask: @escaping () -> String?) {
        self.ask = ask
    }
}

private func askPassphrase(
    _ bytes: UnsafeMutablePointer<CChar>,
    _ size: Int32,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    let passphrase = unsafe Unmanaged<Passphrase>.fromOpaque(context!).takeUnretainedValue().ask()
    guard let utf8 = passphrase?.utf8, utf8.count <= size else { return -1 }
    for (index, byte) in utf8.enumerated() {
        unsafe bytes[index] = CChar(bitPattern: byte)
    }
    return Int32(utf8.count)
}
#endif
