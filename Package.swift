// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let cSettings: [CSetting] = [
    .define("_GNU_SOURCE"),
    .define("NDEBUG", .when(configuration: .release)),
    .define("GREEN_HAS_TLS", to: "1", .when(traits: ["TLS"])),
]

let examples = [
    "green-echo", "green-chat", "green-forward", "green-crawl", "green-pipeline", "green-pgload", "green-curl",
]

// With their types, or the manifest takes the compiler too long.
let exampleProducts: [Product] = examples.map { .executable(name: $0, targets: [$0]) }
let exampleTargets: [Target] = examples.map {
    .executableTarget(
        name: $0,
        dependencies: ["Green", "GreenExampleSupport"],
        path: "Sources/Examples/\($0)",
        swiftSettings: swiftSettings
    )
}

// Each with a product of its own, whose target compiles to nothing without the trait. Without it, SwiftPM neither
// fetches nor builds the package on which only that product depends.
let integrationTraits: Set<Trait> = [
    .trait(name: "Logging", description: "GreenLogging: Green's reports in a Logger of swift-log"),
    .trait(name: "Metrics", description: "GreenMetrics: the statistics of hubs in swift-metrics"),
    .trait(name: "ServiceLifecycle", description: "GreenServiceLifecycle: a server in a ServiceGroup"),
]
let integrations = ["GreenLogging", "GreenMetrics", "GreenServiceLifecycle"]
let integrationProducts: [Product] = integrations.map { .library(name: $0, targets: [$0]) }

func integration(_ name: String, product: String, package: String, trait: String) -> Target {
    .target(
        name: name,
        dependencies: ["Green", .product(name: product, package: package, condition: .when(traits: [trait]))],
        path: "Sources/Integrations/\(name)",
        swiftSettings: swiftSettings
    )
}

// Programs that the tests start: the kind of main decides how the main actor runs.
let testPrograms: [Target] = ["main-queue", "main-queue-await", "main-queue-async", "main-queue-isolated"].map {
    .executableTarget(
        name: $0,
        dependencies: ["Green"],
        path: "Tests/Programs/\($0)",
        swiftSettings: $0.hasSuffix("isolated") ? [.defaultIsolation(MainActor.self)] : []
    )
}

let package = Package(
    name: "swift-green",
    products: [
        .library(name: "Green", targets: ["Green"]),
        .library(name: "GreenTesting", targets: ["GreenTesting"]),
    ] + integrationProducts + exampleProducts,
    traits: integrationTraits.union([
        .default(enabledTraits: ["TLS"]),
        .trait(name: "TLS", description: "TLS connections, by OpenSSL"),
    ]),
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CGreenUring",
            pkgConfig: "liburing",
            providers: [.apt(["liburing-dev"]), .yum(["liburing-devel"])]
        ),
        .target(
            name: "CGreen",
            dependencies: ["CGreenUring"],
            path: "csrc",
            exclude: ["tls", "run"],
            publicHeadersPath: "include",
            cSettings: cSettings
        ),
        .systemLibrary(
            name: "CGreenOpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"]), .yum(["openssl-devel"])]
        ),
        .target(
            name: "CGreenTLS",
            dependencies: ["CGreen", "CGreenOpenSSL"],
            path: "csrc/tls",
            publicHeadersPath: ".",
            cSettings: cSettings
        ),
        .target(
            name: "Green",
            dependencies: [
                "CGreen",
                .target(name: "CGreenTLS", condition: .when(traits: ["TLS"])),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "GreenTesting",
            dependencies: ["Green", "CGreen", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: swiftSettings
        ),
        integration("GreenLogging", product: "Logging", package: "swift-log", trait: "Logging"),
        integration("GreenMetrics", product: "Metrics", package: "swift-metrics", trait: "Metrics"),
        integration(
            "GreenServiceLifecycle",
            product: "ServiceLifecycle",
            package: "swift-service-lifecycle",
            trait: "ServiceLifecycle"
        ),
        .target(name: "GreenExampleArguments", path: "Sources/Examples/Arguments"),
        .target(
            name: "GreenExampleSupport",
            dependencies: ["Green", "GreenExampleArguments"],
            path: "Sources/Examples/Support",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "GreenTests",
            dependencies: ["Green", "GreenTesting", "CGreen"],
            exclude: ["TLS/Fixtures", "TLS/make-fixtures"],
            swiftSettings: swiftSettings
        ),
    ]
        + exampleTargets + testPrograms,
    cLanguageStandard: .gnu11
)
