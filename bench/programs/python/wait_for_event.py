"""Starts threads that wait for one event and then sleep 0.2 s. Prints seconds, CPU seconds and resident MB."""

import sys
import threading
import time

from figures import print_figures

count = int(sys.argv[1])
event = threading.Event()


def wait_and_sleep():
    event.wait()
    time.sleep(0.2)


begin = time.monotonic()
threads = [threading.Thread(target=wait_and_sleep) for _ in range(count)]
for thread in threads:
    thread.start()
event.set()
for thread in threads:
    thread.join()
seconds = time.monotonic() - begin
print_figures(seconds)
