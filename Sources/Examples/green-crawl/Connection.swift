import Green

/// How to connect to the server of a page. Its host may be a stranger's choice, and is nothing but a host. Whom to trust by https is the system's choice, or a file of authorities.
func connecting(trusting authorities: String?) throws -> (URL) throws -> Socket {
    #if TLS
    let tls = try authorities.map { path in try TLS.client { $0.authorities = .file(path) } } ?? .client()
    return { url in
        url.isSecure
            ? try connect(toHost: url.host, port: url.port, tls: tls) : try connect(toHost: url.host, port: url.port)
    }
    #else
    return { url in
        guard !url.isSecure else { throw CrawlError("TLS is not built in: only http:// works") }
        return try connect(toHost: url.host, port: url.port)
    }
    #endif
}
