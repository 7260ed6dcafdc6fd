import Foundation
import Glibc
import Green
import Testing

/// A program's own type, whose methods have the names of Green's free functions.
private final class Robot {
    var log: [String] = []

    func run() { log.append("run") }

    func connect() throws -> String? {
        run()
        let listener = try Listener(on: "127.0.0.1:0")
        let server = GreenThread.spawn {
            try listener.serve { client, _ in
                try client.write("hello\n")
                throw StopServe()
            }
        }
        let socket = try Socket.connect(to: listener.address, timeout: .seconds(20))
        let line = try socket.readLine()
        try server.wait()
        let address = try listener.address
        let second = try Socket.connect(toHost: "127.0.0.1", port: address.port!)
        second.close()
        try Socket.connect(to: "\(address)").close()
        return line
    }

    func spawn() throws -> Int {
        GreenThread.detach { self.log.append("detached") }
        return try GreenThread.spawn { 7 }.wait()
    }
}

@Suite("Each free function is a member, too")
struct MemberTests {
    @Test
    func `for a class with methods of the same names`() throws {
        try onHub {
            let robot = Robot()
            #expect(try robot.connect() == "hello")
            #expect(try robot.spawn() == 7)
            #expect(robot.log == ["run", "detached"])
            let address = try Listener(on: .loopback()).address
            #expect(address.port != 0)
        }
    }

    @Test
    func `for programs and for functions on other OS threads`() throws {
        try onHub {
            let output = try GreenProcess.run("echo", arguments: ["hi"])
            #expect(output.text == "hi\n")
            let number = try OffloadPool.shared.run { 3 }
            #expect(number == 3)
        }
    }
}
