extension Hub {
    /// What ends a green thread that overflows its stack.
    public enum StackGuard: String, CaseIterable, Sendable {
        /// A guard below each stack, by markers in the page table. Linux 6.13 and later.
        case guardInstall = "guard_install"

        /// A guard below each stack, by `userfaultfd`, which takes one descriptor. It catches writes, which is what an
        /// overflow begins with. Linux 5.11 and later, on aarch64 6.10; containers often forbid it.
        case userfaultfd

        /// A guard below each stack, by `mprotect`, for as many as `vm.max_map_count` allows: 24 573 by default.
        case mprotect

        /// A guard for up to 256 stacks, for those that `vm.max_map_count` leaves without one of their own.
        ///
        /// A thread that overflows its stack is reported when it waits or yields beyond it, or when it reaches the
        /// guard. An overflow of more than 256 KiB may damage other stacks before that.
        case shared
    }
}
