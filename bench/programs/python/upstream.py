"""A server in a process of its own: answers each HTTP request after as many milliseconds as its path says."""

import asyncio
import sys


class Upstream(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.pending = b""

    def data_received(self, data):
        self.pending += data
        while b"\r\n\r\n" in self.pending:
            head, self.pending = self.pending.split(b"\r\n\r\n", 1)
            milliseconds = int(head.split(b" ", 2)[1].strip(b"/"))
            asyncio.get_running_loop().call_later(milliseconds / 1000, self.answer)

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nslow\n")


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


sys.exit(asyncio.run(main()))
