import Glibc
public import Green

/// A C library that is looked for when the program runs, with its blocking calls made green. Nothing of it has to be
/// there when the program is built.
@safe
public struct CLibrary {
    private let name: String
    private let handle: UnsafeMutableRawPointer
    /// What was patched.
    public let patched: PatchedLibrary

    /// Loads and patches a library, by the name of its file.
    public init(_ name: String) throws {
        patched = try importPatched(name)
        guard let handle = unsafe dlopen(name, RTLD_LAZY | RTLD_LOCAL) else {
            throw SystemError(code: .noSuchFileOrDirectory, message: unsafe String(cString: dlerror()))
        }
        self.name = name
        unsafe self.handle = unsafe handle
    }

    /// A function of the library, as its header declares it: the type is taken at its word.
    public func function<Function>(_ symbol: String, as type: Function.Type = Function.self) throws -> Function {
        guard let address = unsafe dlsym(handle, symbol) else {
            throw SystemError(code: .notSupported, message: "\(name) has no \(symbol)()")
        }
        return unsafe unsafeBitCast(address, to: type)
    }
}
