import Green
import SystemPackage
import Testing

/// Runs the body on another OS thread while the green threads of this one run.
private func meanwhile(_ body: @escaping () -> Void) throws {
    let ended = Count()
    let thread = OSThread {
        body()
        ended.add()
    }
    try until { ended.value == 1 }
    thread.join()
}

@Suite("On another OS thread")
struct ForeignCloseTests {
    @Test
    func `a close of a socket ends its reader`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            let reader = spawn { try left.read(upTo: 1) }
            try settle()
            try meanwhile { left.close() }
            #expect(failure { try reader.wait() }?.code == .badFileDescriptor)
            #expect(try right.read(upTo: 1) == [])
            try meanwhile { left.close() }
        }
    }

    @Test
    func `a close of a listener ends its accept`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let acceptor = spawn { try listener.accept().close() }
            try settle()
            try meanwhile { listener.close() }
            #expect(failure { try acceptor.wait() }?.code == .badFileDescriptor)
            #expect(failure { try listener.address }?.code == .badFileDescriptor)
        }
    }

    @Test
    func `a stop of a listener kills the handlers and returns their number`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let handled = Count()
            let server = spawn {
                try listener.serve { client, _ in
                    handled.add()
                    _ = try client.read(upTo: 1)
                }
            }
            let client = try connect(to: listener.address)
            try until { handled.value == 1 }
            var killed: Int?
            try meanwhile { killed = try? listener.stop(drainingFor: .zero) }
            #expect(killed == 1)
            try server.wait()
            #expect(try client.read(upTo: 1) == [])
        }
    }

    @Test
    func `a close of a file ends its reader`() throws {
        try onHub { () throws in
            let (input, output) = try FileDescriptor.pipe()
            let (file, writable) = (try GreenFile(adopting: input), try GreenFile(adopting: output))
            let reader = spawn { try file.read(upTo: 1) }
            try settle()
            try meanwhile { try? file.close() }
            #expect(failure { try reader.wait() }?.code == .badFileDescriptor)
            #expect(failure { try writable.write("x") }?.code == .brokenPipe)
        }
    }

    @Test
    func `other calls are errors that say what to do`() throws {
        try onHub { () throws in
            let (left, right) = try Socket.pair()
            var errors: [SystemError?] = []
            onAnotherThread {
                errors.append(failure { try left.read(upTo: 1) })
                errors.append(failure { try left.write("x") })
                errors.append(failure { try left.shutdown() })
                errors.append(failure { try left.detach() })
            }
            #expect(errors.map { $0?.code } == [Errno?](repeating: .improperLink, count: 4))
            #expect(errors.allSatisfy { $0?.message.contains("spawn a green thread on its hub") == true }, "\(errors)")
            try right.write("unaffected")
            #expect(try left.readExactly(10).count == 10)
        }
    }
}
