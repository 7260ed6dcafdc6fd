import Glibc

/// Whether the tests and the programs beside them were built with AddressSanitizer.
let isAddressSanitized = unsafe dlsym(nil, "__asan_init") != nil
