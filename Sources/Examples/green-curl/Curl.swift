import GreenExampleSupport

/// The functions of libcurl that the program calls: those of easy handles. They block.
@safe
struct Curl {
    /// The result of a transfer.
    struct Answer {
        let status: Int
        /// The size of the body in bytes.
        let size: Int
    }

    // These are variadic functions in C, which Swift cannot call. On x86-64 and aarch64 Linux, a variadic integer or
    // pointer is passed like any other argument.
    private typealias SetNumber = @convention(c) (OpaquePointer, CInt, CLong) -> CInt
    private typealias SetAddress = @convention(c) (OpaquePointer, CInt, UnsafeRawPointer?) -> CInt
    private typealias GetNumber = @convention(c) (OpaquePointer, CInt, UnsafeMutablePointer<CLong>) -> CInt
    private typealias Take = @convention(c) (UnsafeRawPointer?, Int, Int, UnsafeMutablePointer<Int>) -> Int

    private let make: @convention(c) () -> OpaquePointer?
    private let setNumber: SetNumber
    private let setAddress: SetAddress
    private let getNumber: GetNumber
    private let perform: @convention(c) (OpaquePointer) -> CInt
    private let describe: @convention(c) (CInt) -> UnsafePointer<CChar>
    private let cleanUp: @convention(c) (OpaquePointer) -> Void

    /// Loads libcurl, and makes its blocking calls green.
    init() throws {
        let library = try CLibrary("libcurl.so.4")
        unsafe make = try library.function("curl_easy_init")
        unsafe setNumber = try library.function("curl_easy_setopt")
        unsafe setAddress = try library.function("curl_easy_setopt")
        unsafe getNumber = try library.function("curl_easy_getinfo")
        unsafe perform = try library.function("curl_easy_perform")
        unsafe describe = try library.function("curl_easy_strerror")
        unsafe cleanUp = try library.function("curl_easy_cleanup")
    }

    /// Fetches a page, and follows redirects.
    ///
    /// - Parameters:
    ///   - url: The URL of the page.
    ///   - timeout: The time limit for the transfer.
    ///   - authorities: A file with the trusted authorities; nil means libcurl's default.
    func fetch(_ url: String, timeout: Duration, trusting authorities: String?) throws -> Answer {
        guard let handle = unsafe make() else { throw CurlError("libcurl has no memory left") }
        defer { unsafe cleanUp(handle) }
        let take: Take = { _, size, count, sum in
            unsafe sum.pointee += size * count
            return size * count
        }
        // Signals affect the whole process, so they cannot end one of many transfers.
        unsafe set(.noSignal, 1, of: handle)
        unsafe set(.timeout, max(1, Int(timeout / .milliseconds(1))), of: handle)
        unsafe set(.followsRedirects, 1, of: handle)
        unsafe set(.protocols, Curl.web, of: handle)
        unsafe set(.redirectProtocols, Curl.web, of: handle)
        unsafe set(.take, unsafeBitCast(take, to: UnsafeRawPointer.self), of: handle)
        unsafe url.withCString { unsafe set(.url, $0, of: handle) }
        unsafe authorities?.withCString { unsafe set(.authorities, $0, of: handle) }
        var (size, status) = (0, CLong(0))
        let code = unsafe withUnsafeMutablePointer(to: &size) { size in
            unsafe set(.taker, size, of: handle)
            return unsafe perform(handle)
        }
        guard code == 0 else { throw CurlError(unsafe String(cString: describe(code))) }
        _ = unsafe getNumber(handle, Curl.responseCode, &status)
        return Answer(status: status, size: size)
    }

    /// The numbers of options in curl.h, which never change.
    private enum Option: CInt {
        case timeout = 155
        case noSignal = 99
        case protocols = 181
        case redirectProtocols = 182
        case followsRedirects = 52
        case taker = 10001
        case url = 10002
        case authorities = 10065
        case take = 20011
    }

    private static let responseCode: CInt = 0x200002

    /// The protocols http and https.
    private static let web = 3

    private func set(_ option: Option, _ number: Int, of handle: OpaquePointer) {
        _ = unsafe setNumber(handle, option.rawValue, number)
    }

    private func set(_ option: Option, _ address: UnsafeRawPointer, of handle: OpaquePointer) {
        _ = unsafe setAddress(handle, option.rawValue, address)
    }
}

/// The error message of libcurl.
struct CurlError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
