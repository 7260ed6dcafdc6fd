extension Hub {
    /// How a hub guards stacks against overflow.
    public enum StackGuard: String, CaseIterable, Sendable {
        /// A guard below each stack, by markers in the page table. Linux 6.13 and later.
        case guardInstall = "guard_install"

        /// A guard below each stack, by `userfaultfd`, which takes one descriptor. It catches writes.
        /// An overflow begins with one. Linux 5.11 and later, on aarch64 6.10; containers often forbid it.
        case userfaultfd

        /// A guard below each stack, by `mprotect`, as far as three eighths of `vm.max_map_count` allow: for 24 573
        /// stacks in a process by default.
        case mprotect

        /// A guard below up to 256 stacks, after those by `mprotect`.
        ///
        /// A thread that overflows its stack is reported when it waits or yields beyond it, or when it reaches the
        /// guard. An overflow of more than 256 KiB may damage other stacks before that.
        case shared
    }
}
