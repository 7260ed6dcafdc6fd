// swift-tools-version: 6.2
import PackageDescription

// The Swift benchmarks, and the program that runs all benchmarks. A separate package, so that users of Green do not
// build it.

let swiftSettings: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let green = Target.Dependency.product(name: "Green", package: "swift-green")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "green-bench",
    dependencies: [
        .package(name: "swift-green", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .target(name: "Figure", path: "swift/figure", swiftSettings: swiftSettings),
        .executableTarget(
            name: "green-bench-swift",
            dependencies: ["Figure", green, argumentParser],
            path: "swift/micro",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "green-bench-swift-echo",
            dependencies: [green, argumentParser],
            path: "swift/echo",
            swiftSettings: swiftSettings
        ),
        .executableTarget(
            name: "green-bench",
            dependencies: ["Figure", argumentParser],
            path: "report",
            swiftSettings: swiftSettings
        ),
    ]
)
