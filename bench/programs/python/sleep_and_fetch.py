"""Starts threads that sleep 1 s and then fetch URL by urllib. Prints seconds, CPU seconds and resident MB."""

import sys
import threading
import time
import urllib.request

from figures import print_figures

count, url = int(sys.argv[1]), sys.argv[2]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
bodies = []
errors = []


def sleep_and_fetch():
    time.sleep(1)
    try:
        with opener.open(url, timeout=60) as response:
            bodies.append(response.read())
    except OSError as error:
        errors.append(error)


begin = time.monotonic()
threads = [threading.Thread(target=sleep_and_fetch) for _ in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
seconds = time.monotonic() - begin
if errors:
    sys.exit(f"{len(errors)} of {count} fetches failed, the first with: {errors[0]!r}")
if len(bodies) != count or set(bodies) != {b"slow\n"}:
    sys.exit("a response is not what the server has sent")
print_figures(seconds)
