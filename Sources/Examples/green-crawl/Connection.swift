import Green

/// How to connect to the server of a page. Whom to trust by https is the system's choice, or a file of authorities.
func connecting(trusting authorities: String?) throws -> (URL) throws -> Socket {
    #if TLS
    let tls = try authorities.map { path in try TLS.client { $0.authorities = .file(path) } } ?? .client()
    return { url in
        let address = "\(url.host):\(url.port)"
        return url.isSecure ? try connect(to: address, tls: tls) : try connect(to: address)
    }
    #else
    return { url in
        guard !url.isSecure else { throw CrawlError("TLS is not built in: only http:// works") }
        return try connect(to: "\(url.host):\(url.port)")
    }
    #endif
}
