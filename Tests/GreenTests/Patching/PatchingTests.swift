import Foundation
import Glibc
import Green
import SystemPackage
import Testing

/// A library that exists wherever Green is built and that sleeps in some of its functions.
private let library = "libcrypto.so.3"

/// Checks that a plain `usleep` lets another green thread run. Needs a process of its own, because it patches the whole
/// program.
private func sleepInPatchedProgram() throws {
    let patched = try monkeyPatch()
    try #require(isPatched())
    var order: [Int] = []
    let sleeper = spawn {
        usleep(50_000)
        order.append(2)
    }
    let other = spawn { order.append(1) }
    try sleeper.wait()
    try other.wait()
    try #require(order == [1, 2])
    try patched.unpatch()
    try #require(!isPatched())
}

/// Checks that a lock of Foundation keeps a green thread waiting while another one holds it and sleeps. Needs a process
/// of its own, which would hang without the patch.
private func holdPatchedLock() throws {
    try monkeyPatch(.lock)
    let lock = NSLock()
    var inside = 0
    var most = 0
    let threads = (0..<20).map { _ in
        spawn {
            try lock.withLock {
                inside += 1
                most = max(most, inside)
                try GreenThread.sleep(for: .microseconds(10))
                inside -= 1
            }
        }
    }
    for thread in threads {
        try thread.wait()
    }
    try #require(most == 1)
}

/// Checks that a plain `fsync` lets another green thread run if the file family is patched. Needs a process of its own.
private func syncInPatchedProgram() throws {
    let directory = unsafe open("/", O_RDONLY | O_CLOEXEC)
    let patched = try monkeyPatch(.file)
    var order: [Int] = []
    let syncing = spawn {
        fsync(directory)
        order.append(2)
    }
    let other = spawn { order.append(1) }
    try syncing.wait()
    try other.wait()
    try #require(order == [1, 2])
    try patched.unpatch()
    close(directory)
}

/// Identifies the current OS thread by the address of its `errno`.
private func osThread() -> Int {
    Int(bitPattern: unsafe __errno_location())
}

/// Starts a thread by `pthread_create` and returns its OS thread.
private func osThreadOfNew() throws -> Int {
    var thread = pthread_t()
    let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
        unsafe UnsafeMutableRawPointer(bitPattern: osThread())
    }
    let error = unsafe pthread_create(&thread, nil, body, nil)
    try #require(error == 0)
    var result: UnsafeMutableRawPointer?
    let joined = unsafe pthread_join(thread, &result)
    try #require(joined == 0)
    return Int(bitPattern: result)
}

/// Checks that the program's own threads become green, while those of Foundation and Green stay OS threads. Needs a
/// process of its own, because it patches the whole program.
private func startPatchedThreads() throws {
    try GreenThread.sleep(for: .microseconds(1))
    try #require(osThreadOfNew() != osThread())
    // With AddressSanitizer, pthread_create of the program is not the C library's, so it is not patched.
    guard !isAddressSanitized else { return }
    let timeout = Timeout(.seconds(60))
    let patched = try monkeyPatch(.thread)
    try #require(osThreadOfNew() == osThread())
    let thread = spawn {
        timeout.cancel()
        return try osThreadOfNew()
    }
    try #require(thread.wait() == osThread())
    try #require(offload { osThread() } != osThread())
    let ended = DispatchSemaphore(value: 0)
    Thread { ended.signal() }.start()
    ended.wait()
    try patched.unpatch()
}

@Suite("Patching", .serialized)
struct PatchingTests {
    @Test
    func `patches a library, reports the patch and undoes it`() throws {
        let patched = try importPatched(library, calls: .time)
        #expect(isPatched(library))
        #expect(patched.report.lines.contains { $0.symbol == "usleep" && $0.count == 1 })
        #expect(patched.report.lines.allSatisfy { ["sleep", "usleep", "nanosleep"].contains($0.symbol) })
        #expect(patched.report.description.contains("libcrypto.so.3: "))
        let again = try importPatched(library, calls: .time)
        try patched.unpatch()
        #expect(isPatched(library))
        #expect(patched.report.lines.isEmpty)
        try patched.unpatch()
        try again.unpatch()
        #expect(!isPatched(library))
    }

    @Test
    func `does not patch files unless the family is requested`() async throws {
        #expect(PatchedCalls.all.isDisjoint(with: .file))
        let plain = try importPatched(library)
        #expect(!plain.report.lines.contains { $0.symbol == "open" })
        let files = try importPatched(library, calls: .file)
        #expect(Set(files.report.lines.map(\.symbol)) == ["open", "close"])
        try files.unpatch()
        try plain.unpatch()
        await #expect(processExitsWith: .success) {
            try syncInPatchedProgram()
        }
    }

    @Test
    func `explains what cannot be patched`() throws {
        #expect(code { try importPatched("libthereisnone.so.7") } == .noSuchFileOrDirectory)
        #expect(code { try importPatched("libc.so.6") } == .invalidArgument)
        #expect(code { try importPatched("libcrypto.so.3", calls: .time, also: ["none"]) } == .noSuchFileOrDirectory)
        #expect(code { try monkeyPatch(PatchedCalls(rawValue: 1 << 20)) } == .invalidArgument)
        #expect(!isPatched())
    }

    @Test
    func `takes an error of a system call for interrupts, and no other`() throws {
        let patched = try importPatched(library, calls: .time)
        try patched.setInterruptError(.interrupted)
        try patched.setInterruptError(nil)
        #expect(code { try patched.setInterruptError(Errno(rawValue: 5000)) } == .invalidArgument)
        #expect(code { try patched.setInterruptError(Errno(rawValue: -1)) } == .invalidArgument)
        try patched.unpatch()
        try patched.setInterruptError(.interrupted)
    }

    private func code(_ body: () throws -> Void) -> Errno? {
        do {
            try body()
            return nil
        } catch {
            return (error as? SystemError)?.code
        }
    }

    @Test
    func `patches the calls of the whole program`() async {
        await #expect(processExitsWith: .success) {
            try sleepInPatchedProgram()
        }
    }

    @Test
    func `starts green threads for pthread_create in the program`() async {
        await #expect(processExitsWith: .success) {
            try startPatchedThreads()
        }
    }

    @Test
    func `parks a green thread that waits for a lock of Foundation`() async {
        await #expect(processExitsWith: .success) {
            try holdPatchedLock()
        }
    }
}
