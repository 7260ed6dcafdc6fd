import Green

/// Connects to the server of a page. The host may come from an untrusted page, so it is never parsed as another form of
/// an address. For https, the system's authorities are trusted, or those in a file.
func connecting(trusting authorities: String?) throws -> (URL) throws -> Socket {
    #if TLS
    let tls = try authorities.map { path in try TLS.client { $0.authorities = .file(path) } } ?? .client()
    return { url in
        url.isSecure
            ? try connect(toHost: url.host, port: url.port, tls: tls) : try connect(toHost: url.host, port: url.port)
    }
    #else
    return { url in
        guard !url.isSecure else { throw CrawlError("this build has no TLS: only http:// works") }
        return try connect(toHost: url.host, port: url.port)
    }
    #endif
}
