public import Green

extension Options {
    /// Listens on an address, with TLS if `--tls-cert` and `--tls-key` are given.
    public func listen(on address: String) throws -> Listener {
        try secured { try Green.listen(on: address) }
    }

    /// Listens on a host and a port, with TLS if `--tls-cert` and `--tls-key` are given.
    public func listen(host: String, port: UInt16) throws -> Listener {
        try secured { try Green.listen(on: SocketAddress.resolve(host: host, port: port)[0]) }
    }

    private func secured(_ listen: () throws -> Listener) throws -> Listener {
        switch (self["tls-cert"], self["tls-key"]) {
        case (nil, nil):
            return try listen()
        case (let certificate?, let key?):
            #if TLS
            let tls = try TLS.server(certificateChain: .file(certificate), privateKey: .file(key))
            let listener = try listen()
            try listener.useTLS(tls)
            return listener
            #else
            end(2, "this build has no TLS: --tls-cert \(certificate) and --tls-key \(key) cannot be used")
            #endif
        default:
            end(2, "--tls-cert and --tls-key must be given together")
        }
    }

    /// Returns a function that connects, with TLS if `--tls-to` is given.
    public func connecting() throws -> (_ address: String, _ timeout: Duration) throws -> Socket {
        guard let trust = self["tls-to"] else { return { try connect(to: $0, timeout: $1) } }
        #if TLS
        let name = self["tls-name"]
        let tls = try trust == "system" ? TLS.client() : TLS.client { $0.authorities = .file(trust) }
        return { try connect(to: $0, timeout: $1, tls: tls, name: name) }
        #else
        end(2, "this build has no TLS: --tls-to \(trust) cannot be used")
        #endif
    }
}
