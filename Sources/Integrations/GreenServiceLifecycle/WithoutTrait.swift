#if !ServiceLifecycle
/// A service that runs a Green server. Needs the trait ServiceLifecycle.
@available(
    *,
    unavailable,
    message: "enable the trait of swift-green in Package.swift: traits: [.defaults, \"ServiceLifecycle\"]"
)
public struct ServerService {}
#endif
