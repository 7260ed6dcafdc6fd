// swift-tools-version: 6.2
import PackageDescription

// Uses Green with all traits. GREEN_REPOSITORY is the path of Green; `Tests/Consumers/run` sets it.
let green = Context.environment["GREEN_REPOSITORY"] ?? "../../.."

let package = Package(
    name: "ecosystem",
    dependencies: [
        .package(name: "swift-green", path: green, traits: [.defaults, "Logging", "Metrics", "ServiceLifecycle"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    ],
    targets: [
        .executableTarget(
            name: "requests",
            dependencies: [
                .product(name: "Green", package: "swift-green"),
                .product(name: "GreenLogging", package: "swift-green"),
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .testTarget(
            name: "EcosystemTests",
            dependencies: [
                .product(name: "Green", package: "swift-green"),
                .product(name: "GreenLogging", package: "swift-green"),
                .product(name: "GreenMetrics", package: "swift-green"),
                .product(name: "GreenServiceLifecycle", package: "swift-green"),
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
    ]
)
