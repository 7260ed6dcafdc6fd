#if Logging
internal import Green
public import Logging

extension Logger.MetadataProvider {
    /// Adds the running green thread and its hub to each line that a program logs.
    ///
    /// ```swift
    /// LoggingSystem.bootstrap(StreamLogHandler.standardError, metadataProvider: .green)
    /// ```
    ///
    /// | key | value |
    /// | --- | --- |
    /// | `green.thread` | the thread's id, unique in the process |
    /// | `green.thread.name` | its name, if it has one |
    /// | `green.hub` | the name of its hub, if it has one |
    ///
    /// On an OS thread without a hub it adds nothing, and makes no hub. `multiplex` combines it with other providers.
    public static var green: Self {
        Self { GreenReport.Origin.current?.metadata ?? [:] }
    }
}

extension GreenReport.Origin {
    var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["green.thread": "\(threadID)"]
        if !threadName.isEmpty {
            metadata["green.thread.name"] = "\(threadName)"
        }
        if !hubName.isEmpty {
            metadata["green.hub"] = "\(hubName)"
        }
        return metadata
    }
}
#endif
