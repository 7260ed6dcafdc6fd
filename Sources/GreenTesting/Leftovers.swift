internal import CGreen
internal import Glibc
public import Green
internal import SystemPackage

/// What was left in the hub of a test when its body had returned.
public struct TestHubLeftovers: Error, Sendable, CustomStringConvertible {
    /// The counts of the hub.
    public let counts: Hub.Statistics

    /// A line for each green thread, with what it waits for. ``GreenThread/dumpAll(to:)`` has written it.
    public let dump: String

    public var description: String {
        let parts = [
            (counts.threads - 1, "green threads that have not ended"),
            (counts.handles, "handles of ended threads"),
            (counts.sockets, "sockets, listeners, files or processes"),
            (counts.timers, "timers"),
            (counts.operations, "operations"),
            (counts.buffers, "receive buffers"),
        ]
        let left = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        return "the test has left in its hub: \(left)\n\(dump)"
    }
}

/// The end of the hub of this OS thread.
enum Leftovers {
    /// Ends the hub. Returns what was left, after it has killed what could be.
    static func end() throws -> TestHubLeftovers? {
        try settle()
        let counts = try Hub.statistics
        guard !counts.isEmpty else {
            try Hub.close()
            return nil
        }
        let leftovers = TestHubLeftovers(counts: counts, dump: try dump())
        try killThreads()
        // If handles or sockets are left, their hub ends with its OS thread, which reports it.
        try? Hub.close()
        return leftovers
    }

    /// Lets threads end that are ready, and completes what the body has released.
    private static func settle() throws {
        for _ in 0..<100 where try !Hub.statistics.isEmpty {
            try GreenThread.yield()
        }
        // The kernel may take its time to cancel an operation. No thread is left that could use it.
        try TestClock.withRealTime {
            for _ in 0..<1000 where try Hub.statistics.waitsForKernel {
                try GreenThread.sleep(for: .milliseconds(1))
            }
        }
    }

    /// Kills all threads until they have ended, or ignore it.
    private static func killThreads() throws {
        for _ in 0..<100 where green_hub_kill_threads() > 0 {
            try GreenThread.sleep(for: .milliseconds(1))
        }
    }

    private static func dump() throws -> String {
        guard let file = unsafe tmpfile() else { return "" }
        defer { unsafe fclose(file) }
        let descriptor = FileDescriptor(rawValue: unsafe fileno(file))
        try GreenThread.dumpAll(to: descriptor)
        var text = [UInt8](repeating: 0, count: Int(try descriptor.seek(offset: 0, from: .end)))
        let count = try unsafe text.withUnsafeMutableBytes { bytes in
            unsafe try descriptor.read(fromAbsoluteOffset: 0, into: bytes)
        }
        return String(decoding: text.prefix(count), as: UTF8.self)
    }
}

extension Hub.Statistics {
    /// Whether nothing is left but the context of the OS thread.
    fileprivate var isEmpty: Bool {
        threads <= 1 && handles + sockets + timers + operations + buffers == 0
    }

    fileprivate var waitsForKernel: Bool {
        threads <= 1 && operations > 0
    }
}
