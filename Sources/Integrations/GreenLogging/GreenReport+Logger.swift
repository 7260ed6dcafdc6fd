#if Logging
public import Green
public import Logging

extension GreenReport {
    /// Passes all of Green's reports to a logger, instead of standard error.
    ///
    /// ```swift
    /// GreenReport.log(to: Logger(label: "org.example.server"))
    /// ```
    ///
    /// The reports are errors that no thread waited for, deadlocks, green threads that block their hub while the
    /// `Monitor` is on, and, at the level `debug`, why Green does not use its first choice. Their source is "Green".
    /// The metadata names the green thread and the hub: see `Logger.MetadataProvider.green`.
    ///
    /// The logger's handler is called on any OS thread, in the middle of a call of Green, so it must not make green
    /// calls that block; they throw in it. A report that arises in it goes to standard error. A second call replaces
    /// the logger, and `GreenReport.setHandler(nil)` removes it.
    ///
    /// - Parameter logger: The logger, whose level also applies to reports.
    public static func log(to logger: Logger) {
        setHandler { report in
            logger.log(
                level: Logger.Level(report.level),
                "\(report.text)",
                metadata: report.origin?.metadata,
                source: "Green"
            )
        }
    }
}

extension Logger.Level {
    init(_ level: GreenReport.Level) {
        self =
            switch level {
            case .debug: .debug
            case .warning: .warning
            case .error: .error
            }
    }
}
#endif
