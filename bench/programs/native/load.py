"""Sends lines over many connections at one time, and waits for each answer:
load.py PORT CONNECTIONS ROUNDS [tls]. Prints the round trips per second and their 99th percentile
in milliseconds."""

import asyncio
import ssl
import sys
import time

PORT, CONNECTIONS, ROUNDS = map(int, sys.argv[1:4])
LINE = b"x" * 100 + b"\n"
times = []


def context():
    if sys.argv[4:] != ["tls"]:
        return None
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


async def converse(security):
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT, ssl=security)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        writer.write(LINE)
        if not (await reader.readline()).endswith(LINE):
            raise SystemExit("a wrong answer")
        times.append(time.perf_counter() - began)
    writer.close()


async def main():
    security = context()
    began = time.perf_counter()
    await asyncio.gather(*(converse(security) for _ in range(CONNECTIONS)))
    seconds = time.perf_counter() - began
    times.sort()
    print(f"{len(times) / seconds:.0f} {1000 * times[len(times) * 99 // 100]:.1f}")


asyncio.run(main())
