import Glibc

/// Whether the system has a library, for tests of programs that load it.
func isInstalled(_ library: String) -> Bool {
    guard let handle = unsafe dlopen(library, RTLD_LAZY | RTLD_LOCAL) else { return false }
    unsafe dlclose(handle)
    return true
}
