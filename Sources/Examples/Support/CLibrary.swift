import Glibc
public import Green

/// A C library that is loaded at run time, with its blocking calls made green. The program builds without it.
@safe
public struct CLibrary {
    private let name: String
    private let handle: UnsafeMutableRawPointer
    /// The patch of the library.
    public let patched: Patch

    /// Loads and patches a library by its file name.
    public init(_ name: String) throws {
        patched = try importPatched(name)
        guard let handle = unsafe dlopen(name, RTLD_LAZY | RTLD_LOCAL) else {
            throw SystemError(code: .noSuchFileOrDirectory, message: unsafe String(cString: dlerror()))
        }
        self.name = name
        unsafe self.handle = unsafe handle
    }

    /// Returns a function of the library. The type must be as in the library's header; it is not checked.
    public func function<Function>(_ symbol: String, as type: Function.Type = Function.self) throws -> Function {
        guard let address = unsafe dlsym(handle, symbol) else {
            throw SystemError(code: .notSupported, message: "\(name) has no \(symbol)()")
        }
        return unsafe unsafeBitCast(address, to: type)
    }
}
