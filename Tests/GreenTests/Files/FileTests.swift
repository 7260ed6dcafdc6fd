import Green
import Testing

/// A new directory, which is removed with its object.
private final class Folder {
    let path: FilePath

    init() throws {
        path = FilePath("/tmp/green-files-\(UInt64.random(in: 0 ... .max))")
        try GreenDirectory.create(path)
    }

    deinit {
        for name in (try? GreenDirectory.contents(of: path)) ?? [] {
            try? GreenFile.remove(path.appending(name))
        }
        try? GreenDirectory.remove(path)
    }

    func file(_ name: String, options: FileDescriptor.OpenOptions = .create) throws -> GreenFile {
        try GreenFile.open(path.appending(name), .readWrite, options: options, permissions: .ownerReadWrite)
    }
}

/// Both ends of a pipe.
func greenPipe() throws -> (output: GreenFile, input: GreenFile) {
    let (near, far) = try FileDescriptor.pipe()
    return try (GreenFile(adopting: near), GreenFile(adopting: far))
}

@Suite("Files")
struct FileTests {
    @Test
    func `reads back written bytes, at the position and at offsets`() throws {
        try onHub { () throws in
            let folder = try Folder()
            let file = try folder.file("file")
            try file.write("hello ")
            try file.write([0x77, 0x6F, 0x72, 0x6C, 0x64])
            #expect(try file.position == 11)
            #expect(try file.size == 11)
            try file.write(toAbsoluteOffset: 0, "H".utf8)
            try file.seek(to: 0)
            #expect(try file.read(upTo: 5) == Array("Hello".utf8))
            #expect(try file.read(fromAbsoluteOffset: 6, upTo: 100) == Array("world".utf8))
            var buffer = [UInt8](repeating: 0, count: 100)
            #expect(try file.read(into: &buffer) == 6)
            #expect(try file.read(into: &buffer) == 0)
            #expect(try file.read(upTo: 10).isEmpty)
            try file.synchronize()
            try file.synchronize(dataOnly: true)
            try file.resize(to: 5)
            try file.seek(to: 0)
            #expect(try file.readAll() == Array("Hello".utf8))
            try file.close()
            try file.close()
            #expect(failure { try file.read(upTo: 1) }?.code == .badFileDescriptor)
        }
    }

    @Test
    func `reads all of a file, up to a limit`() throws {
        try onHub { () throws in
            let folder = try Folder()
            let file = try folder.file("file")
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try file.write(bytes)
            for limit in [300_000, 300_001, .max] {
                try file.seek(to: 0)
                #expect(try file.readAll(limit: limit) == bytes)
            }
            for limit in [0, 299_999] {
                try file.seek(to: 0)
                #expect(failure { try file.readAll(limit: limit) }?.code == .messageTooLong)
            }
        }
    }

    @Test
    func `returns lines, including a last one without an end`() throws {
        try onHub { () throws in
            let folder = try Folder()
            let file = try folder.file("file")
            let long = String(repeating: "x", count: 50_000)
            try file.write("one\n\ntwo\r\n\(long)\nlast")
            try file.seek(to: 0)
            #expect(try file.lines.map { try $0.get() } == ["one", "", "two", long, "last"])
            #expect(try file.lines.map { try $0.get() } == [])
        }
    }

    @Test
    func `says in errors what failed on what`() throws {
        try onHub { () throws in
            let folder = try Folder()
            let none = folder.path.appending("none")
            let error = failure { try GreenFile.open(none, .readOnly) }
            #expect(error?.code == .noSuchFileOrDirectory)
            #expect(error?.message.hasPrefix("cannot open '\(none)'") == true)
            #expect(failure { try GreenFile.open(folder.path, .writeOnly) }?.code == .isDirectory)
            #expect(failure { try GreenFile.remove(none) }?.code == .noSuchFileOrDirectory)
            #expect(failure { try GreenFile.rename(none, to: folder.path) }?.code == .noSuchFileOrDirectory)
            #expect(failure { try GreenFile.status(of: none) }?.code == .noSuchFileOrDirectory)
            #expect(failure { try GreenDirectory.contents(of: none) }?.code == .noSuchFileOrDirectory)
            let full = try GreenFile.open("/dev/full", .writeOnly)
            #expect(failure { try full.write("x") }?.code == .noSpace)
        }
    }

    @Test
    func `renames, lists and removes`() throws {
        try onHub { () throws in
            let folder = try Folder()
            try folder.file("one").write("1234")
            _ = try folder.file("two")
            try GreenFile.rename(folder.path.appending("two"), to: folder.path.appending("three"))
            let names = try GreenDirectory.contents(of: folder.path).map(\.string).sorted()
            #expect(names == ["one", "three"])
            let status = try GreenFile.status(of: folder.path.appending("one"))
            #expect(status.kind == .regular)
            #expect(status.size == 4)
            #expect(status.permissions == .ownerReadWrite)
            #expect(try folder.file("one").status == status)
            #expect(try GreenFile.status(of: folder.path).kind == .directory)
            #expect(failure { try GreenDirectory.remove(folder.path) }?.code == .directoryNotEmpty)
        }
    }

    @Test
    func `reads a pipe while others run`() throws {
        try onHub { () throws in
            let (output, input) = try greenPipe()
            let text = String(repeating: "0123456789", count: 30_000)
            let writer = spawn {
                try input.write(text)
                try input.close()
            }
            #expect(try output.readAll() == Array(text.utf8))
            try writer.wait()
            #expect(failure { try output.position }?.code == .illegalSeek)
            try output.close()
        }
    }

    @Test
    func `interrupts a read by a kill, by timeouts and by a close`() throws {
        try onHub { () throws in
            let (output, input) = try greenPipe()
            let reader = spawn { try output.read(upTo: 1) }
            try settle()
            #expect(failure { try output.read(upTo: 1) }?.code == .resourceBusy)
            try reader.kill()
            #expect(throws: GreenExit.self) { try reader.wait() }
            #expect(throws: Timeout.self) {
                try withTimeout(.milliseconds(1)) { try output.read(upTo: 1) }
            }
            output.timeout = .milliseconds(1)
            #expect(output.timeout == .milliseconds(1))
            #expect(failure { try output.read(upTo: 1) }?.code == .timedOut)
            output.timeout = nil
            let other = spawn { try output.read(upTo: 1) }
            try settle()
            try output.close()
            #expect(failure { try other.wait() }?.code == .badFileDescriptor)
            // A child started by another test has a copy of the read end until its exec.
            var failed: SystemError?
            for _ in 0..<1000 where failed == nil {
                failed = failure { try input.write("x") }
                try GreenThread.sleep(for: .milliseconds(5))
            }
            #expect(failed?.code == .brokenPipe)
        }
    }
}
