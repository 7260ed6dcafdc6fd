public import Green

extension Options {
    /// Serves on the hubs, with TLS if `--tls-cert` and `--tls-key` are given.
    public func serve(
        on address: String,
        hubs: HubPool,
        concurrency: Int,
        _ handler: @escaping @Sendable (Socket, SocketAddress) throws -> Void
    ) throws -> Server {
        switch (self["tls-cert"], self["tls-key"]) {
        case (nil, nil):
            return try Server(on: address, hubs: hubs, concurrency: concurrency, handler: handler)
        case (let certificate?, let key?):
            #if TLS
            let tls = try TLS.server(certificateChain: .file(certificate), privateKey: .file(key))
            return try Server(on: address, hubs: hubs, tls: tls, concurrency: concurrency, handler: handler)
            #else
            end(2, "this build has no TLS: --tls-cert \(certificate) and --tls-key \(key) cannot be used")
            #endif
        default:
            end(2, "--tls-cert and --tls-key must be given together")
        }
    }

    /// Returns a function that connects, with TLS if `--tls-to` is given.
    public func connecting() throws -> @Sendable (_ address: String, _ timeout: Duration) throws -> Socket {
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
