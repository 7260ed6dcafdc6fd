// swift-tools-version: 6.2
import PackageDescription

// Where Green is, and whether to ask for it without its trait TLS; `Tests/Consumers/run` says.
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
