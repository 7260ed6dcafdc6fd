import GreenExampleSupport

/// The functions of libpq that the program calls, with the names of libpq's manual. They block.
@safe
struct Postgres {
    typealias Text = UnsafePointer<CChar>

    private let connect: @convention(c) (Text) -> OpaquePointer?
    private let execute: @convention(c) (OpaquePointer?, Text) -> OpaquePointer?
    private let connectionStatus: @convention(c) (OpaquePointer?) -> CInt
    private let resultStatus: @convention(c) (OpaquePointer?) -> CInt
    private let message: @convention(c) (OpaquePointer?) -> Text?
    private let clear: @convention(c) (OpaquePointer?) -> Void
    private let finish: @convention(c) (OpaquePointer?) -> Void

    /// Loads libpq, and makes its blocking calls green.
    init() throws {
        let library = try CLibrary("libpq.so.5")
        unsafe connect = try library.function("PQconnectdb")
        unsafe execute = try library.function("PQexec")
        unsafe connectionStatus = try library.function("PQstatus")
        unsafe resultStatus = try library.function("PQresultStatus")
        unsafe message = try library.function("PQerrorMessage")
        unsafe clear = try library.function("PQclear")
        unsafe finish = try library.function("PQfinish")
    }

    /// Connects, and closes the connection after the body.
    func withConnection(to server: String, _ body: (Connection) throws -> Void) throws {
        let connection = unsafe Connection(postgres: self, handle: connect(server))
        defer { unsafe finish(connection.handle) }
        guard unsafe connectionStatus(connection.handle) == 0 else { throw connection.error }
        try body(connection)
    }

    /// An open connection. It runs one query at a time.
    @safe
    struct Connection {
        fileprivate let postgres: Postgres
        fileprivate let handle: OpaquePointer?

        fileprivate init(postgres: Postgres, handle: OpaquePointer?) {
            self.postgres = postgres
            unsafe self.handle = unsafe handle
        }

        /// Runs a query, and waits for its result.
        func run(_ query: String) throws {
            let result = unsafe postgres.execute(handle, query)
            defer { unsafe postgres.clear(result) }
            // PGRES_COMMAND_OK and PGRES_TUPLES_OK.
            guard unsafe [1, 2].contains(postgres.resultStatus(result)) else { throw error }
        }

        fileprivate var error: PostgresError {
            PostgresError(unsafe postgres.message(handle).map { unsafe String(cString: $0) } ?? "out of memory")
        }
    }
}

/// The error message of libpq, in one line.
struct PostgresError: Error, CustomStringConvertible {
    let description: String

    init(_ text: String) {
        description = text.split { $0.isNewline || $0 == "\t" }.joined(separator: "; ")
    }
}
