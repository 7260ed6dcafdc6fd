#if !Logging
public import Green

extension GreenReport {
    /// Passes all of Green's reports to a logger. Needs the trait Logging.
    @available(
        *,
        unavailable,
        message: "enable the trait of swift-green in Package.swift: traits: [.defaults, \"Logging\"]"
    )
    public static func log(to logger: Any) {}
}
#endif
