"""Measures Python programs on green threads beside native threads, gevent and Eventlet."""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys

from processes import HERE, OTHER_CPU, Database, Server, Upstream, on_cpu, usage

# Name in the table: the server of serve.py, and whether it runs under green-run.
SERVERS = {
    "waitress": ("waitress", False),
    "waitress, green": ("waitress", True),
    "gthread": ("gthread", False),
    "gthread, green": ("gthread", True),
    "gevent": ("gevent", False),
    "eventlet": ("eventlet", False),
}
WAITS = ("sleep", "database", "upstream")
MOST_CONNECTIONS = 1000
MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/programs/python/run",
        description=__doc__,
        epilog="Two cores: the server has one, the load generator (wrk), PostgreSQL and the upstream server the other. "
        "Run nothing else at the same time. GREEN_RUN: path of another green-run.",
    )
    parser.add_argument("--quick", action="store_true", help="one short run of the figures with bars, of three servers")
    parser.add_argument("--runs", type=int, default=3, help="of the figures with bars; the median is shown")
    parser.add_argument("--seconds", type=int, default=3, help="of each run of the application")
    parser.add_argument("--only", action="append", choices=(*WAITS, "event", "fetch"), help="may be repeated")
    parser.add_argument("--servers", action="append", choices=SERVERS, help="may be repeated")
    parser.add_argument("--concurrency", action="append", type=int, help="may be repeated")
    parser.add_argument("--threads", type=int, default=10000, help="of the two programs that start threads")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds = 1, 2
        options.concurrency = options.concurrency or [1000]
        options.servers = options.servers or ["waitress, green", "gthread, green", "gevent"]
    options.only = options.only or [*WAITS, "event", "fetch"]
    options.servers = options.servers or list(SERVERS)
    return options


def load(url, concurrency, seconds):
    """Requests per second, p50, p99 in ms and failures of a closed loop of so many connections."""
    command = on_cpu(OTHER_CPU) + ["wrk", "--threads", "1", "--connections", str(concurrency)]
    command += ["--duration", f"{seconds}s", "--timeout", "60s", "--latency", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 120).stdout

    def latency(percent):
        number, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)\b", text).groups()
        return float(number) * MILLISECONDS[unit]

    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    failures = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return rate, latency(50), latency(99), failures + (int(other[1]) if other else 0)


def warm_up(wait, concurrency):
    """Seconds in which all connections have had a response: a server may accept all of them first."""
    if concurrency > 1000:
        return 8
    return 3 if concurrency == 1000 and wait != "sleep" else 1


def measure_server(name, wait, concurrency, options, environment):
    server, green = SERVERS[name]
    with Server(sys.executable, server, green, concurrency, environment) as running:
        url = f"http://127.0.0.1:{running.port}/{wait}"
        # All threads and connections of the application exist when the measurement begins.
        load(url, concurrency, warm_up(wait, concurrency))
        before = usage(running.process.pid)[0]
        rate, p50, p99, failures = load(url, concurrency, options.seconds if concurrency <= 1000 else 10)
        cpu, memory, threads = usage(running.process.pid)
        if failures:
            print(f"{name}, {wait}, {concurrency}: {failures} requests failed; {running.output()}", file=sys.stderr)
        return {
            "rate": rate,
            "p50": p50,
            "p99": p99,
            "failures": failures,
            "memory": memory,
            "threads": threads,
            "cpu": cpu - before,
        }


def median(figures):
    return {key: statistics.median(each[key] for each in figures) for key in figures[0]}


def show_application(wait, concurrency, results):
    print(f"\n{concurrency} concurrent requests that wait 100 ms ({wait})")
    print(f"  {'':16}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'MB':>7}{'threads':>9}{'CPU s':>7}{'failed':>8}")
    for name, each in results.items():
        print(
            f"  {name:16}{each['rate']:8.0f}{each['p50']:9.1f}{each['p99']:9.1f}{each['memory']:7.0f}"
            f"{each['threads']:9.0f}{each['cpu']:7.2f}{each['failures']:8.0f}"
        )
    for other in ("gevent", "eventlet"):
        for name in ("waitress, green", "gthread, green"):
            if name not in results or other not in results:
                continue
            if results[name]["rate"] == 0 or results[other]["rate"] == 0:
                print(f"  {name} / {other}: MISSED, a server has not responded in time")
                continue
            rate = results[name]["rate"] / results[other]["rate"]
            p99 = results[name]["p99"] / results[other]["p99"]
            bar = ""
            if other == "gevent" and concurrency == 1000:
                bar = ": " + ("met" if rate >= 1 and p99 <= 1.2 else "MISSED") + " (>= 1, <= 1.2)"
            print(f"  {name} / {other}: requests {rate:.2f}, p99 {p99:.2f}{bar}")
    sys.stdout.flush()


def reachable(wait, concurrency):
    """Whether descriptors and database connections are enough."""
    if wait == "database" and concurrency > MOST_CONNECTIONS:
        return False
    limit = int(subprocess.check_output(["sh", "-c", "ulimit -n"]))
    return concurrency * (2 if wait == "upstream" else 1) + 200 <= limit


def measure_application(wait, options, environment):
    for concurrency in options.concurrency or ((1, 100, 1000, 10000) if wait == "sleep" else (1000,)):
        if not reachable(wait, concurrency):
            print(f"\n{concurrency} concurrent requests ({wait}): not measured, too many connections")
            continue
        # In rounds, so that a machine that slows down for a while slows down all of them.
        runs = options.runs if concurrency == 1000 and wait == "sleep" else 1
        figures = {name: [] for name in options.servers}
        for _ in range(runs):
            for name in options.servers:
                own = environment | {"BENCH_CONNECTIONS": str(min(concurrency, MOST_CONNECTIONS))}
                figures[name].append(measure_server(name, wait, concurrency, options, own))
        show_application(wait, concurrency, {name: median(each) for name, each in figures.items()})


def run_threads(program, green, options, *more):
    command = ([os.environ["GREEN_RUN"]] if green else []) + [sys.executable, str(HERE / program)]
    text = subprocess.check_output([*command, str(options.threads), *more], timeout=150, text=True)
    return json.loads(text)


def measure_threads(title, program, bars, options, *more):
    figures = {"native": [], "green": []}
    # Native threads once, because they may need a minute.
    figures["native"].append(run_threads(program, False, options, *more))
    for _ in range(options.runs):
        figures["green"].append(run_threads(program, True, options, *more))
    native, green = median(figures["native"]), median(figures["green"])
    print(f"\n{options.threads} threads that {title}")
    print(f"  {'':10}{'native':>10}{'green':>10}{'ratio':>8}")
    for key, unit in (("seconds", "wall s"), ("cpu", "CPU s"), ("memory", "MB")):
        ratio = green[key] / native[key]
        bar = f"  {'met' if ratio <= bars[key] else 'MISSED'} (<= {bars[key]})" if key in bars else ""
        print(f"  {unit:10}{native[key]:10.2f}{green[key]:10.2f}{ratio:8.3f}{bar}")
    sys.stdout.flush()


def main():
    options = arguments()
    # Whatever has been started is stopped then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not shutil.which("wrk"):
        sys.exit("The command wrk is missing: install it.")
    if "event" in options.only:
        bars = {"seconds": 0.1, "cpu": 0.1, "memory": 0.8}
        measure_threads("wait for one event and then sleep 0.2 s", "wait_for_event.py", bars, options)
    with Upstream() as upstream:
        if "fetch" in options.only:
            title = "sleep 1 s and then fetch from another process"
            measure_threads(title, "sleep_and_fetch.py", {"seconds": 0.35}, options, upstream.url + "0")
        environment = {"BENCH_UPSTREAM": upstream.url + "100"}
        for wait in WAITS:
            if wait not in options.only:
                continue
            if wait != "database":
                measure_application(wait, options, environment)
                continue
            with Database(MOST_CONNECTIONS) as database:
                measure_application(wait, options, environment | {"BENCH_DATABASE": database.address})


main()
