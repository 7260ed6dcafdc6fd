import Foundation
import Glibc
import Green
import SystemPackage
import Testing

/// A library that is there wherever Green is built, and that sleeps in some of its functions.
private let library = "libcrypto.so.3"

/// Expects a plain `usleep` to let another green thread run. For a process of its own, since it patches all of it.
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

/// Expects a lock of Foundation's to keep one green thread out while another that has it sleeps. For a process of its
/// own: without the patch it hangs.
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

/// Expects a plain `fsync` to let another green thread run where files are asked for. For a process of its own, too.
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

/// What tells the current OS thread from others: the address of its `errno`.
private func osThread() -> Int {
    Int(bitPattern: unsafe __errno_location())
}

/// The OS thread of a new thread by `pthread_create`.
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

/// Expects the program's own threads to be green ones then, Foundation's to be native, and Green's to be as ever. For a
/// process of its own, since it patches all of it.
private func startPatchedThreads() throws {
    try GreenThread.sleep(for: .microseconds(1))
    try #require(osThreadOfNew() != osThread())
    // With AddressSanitizer the program has a pthread_create of its own, which is not the C library's to patch.
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
    func `patches a library, reports it, and takes it back`() throws {
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
    func `leaves files alone unless they are asked for`() async throws {
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
    func `says what cannot be patched`() throws {
        #expect(code { try importPatched("libthereisnone.so.7") } == .noSuchFileOrDirectory)
        #expect(code { try importPatched("libc.so.6") } == .invalidArgument)
        #expect(code { try importPatched("libcrypto.so.3", calls: .time, also: ["none"]) } == .noSuchFileOrDirectory)
        #expect(code { try monkeyPatch(PatchedCalls(rawValue: 1 << 20)) } == .invalidArgument)
        #expect(!isPatched())
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
    func `makes the calls of a whole program green`() async {
        await #expect(processExitsWith: .success) {
            try sleepInPatchedProgram()
        }
    }

    @Test
    func `starts green threads where a program starts threads of its own`() async {
        await #expect(processExitsWith: .success) {
            try startPatchedThreads()
        }
    }

    @Test
    func `has a lock of Foundation's wait for a green thread that holds it`() async {
        await #expect(processExitsWith: .success) {
            try holdPatchedLock()
        }
    }
}
