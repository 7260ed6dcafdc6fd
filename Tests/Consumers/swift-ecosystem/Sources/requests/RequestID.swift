import Logging
import Tracing

/// The id of the request that a green thread serves, in each of the three ways in which a server passes it on.
enum RequestID {
    @TaskLocal static var bound: Int?

    /// Binds a task-local, a ServiceContext and the metadata of the current logger.
    static func bind<Result>(_ id: Int, _ body: () throws -> Result) throws -> Result {
        var context = ServiceContext.topLevel
        context.requestID = id
        return try $bound.withValue(id) {
            try ServiceContext.withValue(context) {
                try withLogger(mergingMetadata: ["request": "\(id)"]) { _ in try body() }
            }
        }
    }
}

extension ServiceContext {
    private enum Key: ServiceContextKey {
        typealias Value = Int
    }

    var requestID: Int? {
        get { self[Key.self] }
        set { self[Key.self] = newValue }
    }
}

extension Logger.MetadataProvider {
    static let requestID = Self {
        ServiceContext.current?.requestID.map { ["context": "\($0)"] } ?? [:]
    }
}

/// A step of a request that has the id of another one.
struct Mixed: Error {
    let step: String
    let id: Int
    let bound: Int?
    let context: Int?
}

/// A step of a request: checks the ids that the thread sees, and logs.
func step(_ step: String, of id: Int) throws {
    let context = ServiceContext.current?.requestID
    guard RequestID.bound == id, context == id else {
        throw Mixed(step: step, id: id, bound: RequestID.bound, context: context)
    }
    Logger.current.info("\(id) \(step)")
}
