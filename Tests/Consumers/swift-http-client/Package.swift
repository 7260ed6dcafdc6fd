// swift-tools-version: 6.2
import PackageDescription

// Uses Green with an unmodified AsyncHTTPClient. `make test-http-client` builds it, not `make test-consumers`, because
// it builds SwiftNIO and BoringSSL, which takes minutes. GREEN_REPOSITORY is the path of Green.
let green = Context.environment["GREEN_REPOSITORY"] ?? "../../.."

let package = Package(
    name: "http-client",
    dependencies: [
        .package(name: "swift-green", path: green),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.30.0"),
    ],
    targets: [
        .executableTarget(
            name: "fetch",
            dependencies: [
                .product(name: "Green", package: "swift-green"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ]
        )
    ]
)
