#if !Metrics
/// Publishes the statistics of hubs as metrics. Needs the trait Metrics.
@available(
    *,
    unavailable,
    message: "enable the trait of swift-green in Package.swift: traits: [.defaults, \"Metrics\"]"
)
public struct HubMetrics {}
#endif
