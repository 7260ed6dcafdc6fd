// swift-tools-version: 6.2
import PackageDescription

// Where Green is; `Tests/Consumers/run` says.
let green = Context.environment["GREEN_REPOSITORY"] ?? "../../.."

let package = Package(
    name: "consumer",
    dependencies: [.package(name: "swift-green", path: green)],
    targets: [
        .executableTarget(name: "consumer", dependencies: [.product(name: "Green", package: "swift-green")])
    ]
)
