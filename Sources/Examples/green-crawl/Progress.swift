import Glibc
import Green
import GreenExampleSupport

/// The progress of the crawl: a line on standard error that is redrawn, if that is a terminal.
final class Progress {
    var total = 0
    var running = 0
    var done = 0
    var failed = 0
    /// The received bytes of bodies.
    var bytes = 0

    private let clock = ContinuousClock()
    private let start = ContinuousClock.now
    private let isShown = isatty(STDERR_FILENO) == 1
    private var painter: GreenThread<Void>?

    /// Starts to show the line, and redraws it ten times a second.
    func begin() {
        guard isShown else { return }
        painter = spawn(name: "progress") { [self] in
            while true {
                draw()
                try GreenThread.sleep(for: .milliseconds(100))
            }
        }
    }

    /// Erases the line, and prints a summary.
    func end() throws {
        try painter?.kill(waitingForEnd: true)
        erase()
        note("pages: \(done), failed: \(failed), bytes: \(bytes), in \(seconds(elapsed)): \(rate)")
    }

    /// Prints a result above the progress line.
    func print(_ line: String) {
        erase()
        say(line)
        draw()
    }

    private func draw() {
        show("\r\u{1B}[K\(done)/\(total) done, \(running) running, \(rate)")
    }

    private func erase() {
        show("\r\u{1B}[K")
    }

    private func show(_ text: String) {
        guard isShown else { return }
        // Output that the terminal does not accept can be lost.
        _ = try? FileDescriptor.standardError.writeAll(text.utf8)
    }

    private var elapsed: Duration { clock.now - start }

    private var rate: String {
        let perSecond = Double(bytes) / max(elapsed / .seconds(1), 0.001)
        let tenths = Int(perSecond / 100_000)
        return tenths >= 10 ? "\(tenths / 10).\(tenths % 10) MB/s" : "\(Int(perSecond / 1000)) kB/s"
    }
}
