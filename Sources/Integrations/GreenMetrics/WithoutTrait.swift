#if !Metrics
/// Publishes the statistics of hubs as metrics. Needs the trait Metrics.
@available(
    *,
    unavailable,
    message: "enable the trait of swift-green in Package.swift: traits: [.defaults, \"Metrics\"]"
)
public struct HubMetrics {
    // With the members of the real type, the compiler's only error about a program is the message above.
    public init(of hubs: Any, factory: Any? = nil) {}
    public func publish(timeout: Duration = .seconds(1)) throws {}
    public func run(every interval: Duration = .seconds(10)) throws -> Never { fatalError() }
}
#endif
