#if !ServiceLifecycle
/// A service that runs a Green server. Needs the trait ServiceLifecycle.
@available(
    *,
    unavailable,
    message: "enable the trait of swift-green in Package.swift: traits: [.defaults, \"ServiceLifecycle\"]"
)
public struct ServerService {
    // With the members of the real type, the compiler's only error about a program is the message above.
    public init(drainingFor grace: Duration? = .seconds(30), _ start: @escaping @Sendable () throws -> Any) {}
    public func run() async throws {}
}
#endif
