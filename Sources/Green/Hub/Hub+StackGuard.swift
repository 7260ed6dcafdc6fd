extension Hub {
    /// The ways in which a hub guards stacks against overflow.
    public enum StackGuard: String, CaseIterable, Sendable {
        /// A guard below each stack: markers in the page table. Linux 6.13 and later.
        case guardInstall = "guard_install"

        /// A guard below each stack, by `userfaultfd`, which takes one descriptor. It catches writes, and an overflow
        /// begins with a write. Linux 5.11 and later, on aarch64 6.10; containers often forbid it.
        case userfaultfd

        /// A guard below each stack, by `mprotect`. Limited by three eighths of `vm.max_map_count`: 24 573 stacks in a
        /// process by default.
        case mprotect

        /// A guard below up to 256 stacks, when no more can be guarded by `mprotect`.
        ///
        /// A stack overflow is reported when the thread blocks or yields beyond its stack, or when it reaches the
        /// guard. An overflow of more than 256 KiB may damage other stacks before that.
        case shared
    }
}
