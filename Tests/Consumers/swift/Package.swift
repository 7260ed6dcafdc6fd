// swift-tools-version: 6.2
import PackageDescription

// The path of Green, and whether to use it without its trait TLS. `Tests/Consumers/run` sets both.
let green = Context.environment["GREEN_REPOSITORY"] ?? "../../.."
let tls = Context.environment["GREEN_TLS"] != "OFF"

let package = Package(
    name: "consumer",
    dependencies: [.package(name: "swift-green", path: green, traits: tls ? [.defaults] : [])],
    targets: [
        .executableTarget(
            name: "consumer",
            dependencies: [.product(name: "Green", package: "swift-green")],
            swiftSettings: tls ? [.define("WITH_TLS")] : []
        )
    ]
)
