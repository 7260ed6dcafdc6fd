import Green
import Testing

@Suite("green-pgload")
struct PGLoadTests {
    @Test
    func `reports the error of libpq, or that there is no libpq`() throws {
        try onHub { () throws in
            let listener = try listen(on: "127.0.0.1:0")
            let port = try #require(try listener.address.port)
            listener.close()
            let server = "hostaddr=127.0.0.1 port=\(port) user=nobody"
            let program = try Program("green-pgload", "--connections", "3", "--connection-string", server)
            let lines = try program.rest()
            if isInstalled("libpq.so.5") {
                let complaint = try #require(lines.first)
                #expect(complaint.hasPrefix("green-pgload: 3 times: "), "\(complaint)")
                #expect(complaint.contains("Connection refused"), "\(complaint)")
                #expect(lines.contains { $0.hasPrefix("3 connections, 0 queries, 3 failed: ") }, "\(lines)")
            } else {
                #expect(lines.count == 1 && lines.first?.contains("libpq.so.5") == true, "\(lines)")
            }
            #expect(try program.exitCode() == 1)
        }
    }

    @Test
    func `prints its usage`() throws {
        try onHub { () throws in
            let help = try Program("green-pgload", "--help")
            #expect(try help.rest().first?.hasPrefix("usage: green-pgload") == true)
            #expect(try help.exitCode() == 0)
            let wrong = try Program("green-pgload", "--connections", "none")
            #expect(try wrong.rest().first == "green-pgload: --connections takes a number from 1 to 100000, not 'none'")
            #expect(try wrong.exitCode() == 2)
        }
    }
}
