import Glibc

/// Whether the tests and the programs beside them were built with AddressSanitizer.
let isAddressSanitized = unsafe dlsym(nil, "__asan_init") != nil

/// The same for ThreadSanitizer.
let isThreadSanitized = unsafe dlsym(nil, "__tsan_init") != nil
