// swift-tools-version: 6.2
import PackageDescription

// The path of Green. `Tests/Consumers/run` sets it.
let green = Context.environment["GREEN_REPOSITORY"] ?? "../../.."

let package = Package(
    name: "tasks",
    dependencies: [.package(name: "swift-green", path: green, traits: [])],
    targets: [
        .executableTarget(name: "tasks", dependencies: [.product(name: "Green", package: "swift-green")])
    ]
)
