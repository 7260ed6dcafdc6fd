"""Starts the processes of a measurement and reads what they use."""

import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CPU, OTHER_CPU = 0, 1


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_cpu(cpu):
    cpus = sorted(os.sched_getaffinity(0))
    return ["taskset", "--cpu-list", str(cpus[min(cpu, len(cpus) - 1)])]


def stop(process):
    """Ends a process and its children, which are a session of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            pass
    if process.stdout:
        process.stdout.close()


def tree(pid):
    """A process and its descendants."""
    pids = [pid]
    for parent in pids:
        for path in glob.glob(f"/proc/{parent}/task/*/children"):
            try:
                pids += [int(child) for child in pathlib.Path(path).read_text().split()]
            except OSError:
                pass
    return pids


def usage(pid):
    """CPU seconds, resident MB and OS threads of a process and its descendants."""
    cpu = memory = threads = 0
    for each in tree(pid):
        try:
            fields = pathlib.Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        cpu += (int(fields[11]) + int(fields[12])) / TICKS
        threads += int(fields[17])
        memory += int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return cpu, memory, threads


class Upstream:
    def __enter__(self):
        command = on_cpu(OTHER_CPU) + [shutil.which("python3"), str(HERE / "upstream.py")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/"
        return self

    def __exit__(self, *_):
        stop(self.process)


class Database:
    """A PostgreSQL of its own on loopback."""

    def __init__(self, connections):
        self.connections = connections

    def __enter__(self):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        if not programs:
            raise SystemExit("The command initdb is missing: install postgresql, or leave out --only database.")
        self.control = os.path.join(os.path.dirname(programs[-1]), "pg_ctl")
        self.folder = tempfile.mkdtemp()
        self.user = []
        if os.getuid() == 0:  # as which the server refuses to run
            self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = os.path.join(self.folder, "data")
        self.run(programs[-1], "-D", data, "--username=green", "--auth=trust", "--no-locale", "--no-sync")
        port = free_port()
        with open(os.path.join(data, "postgresql.conf"), "a") as file:
            file.write(
                f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n"
                f"max_connections = {self.connections + 10}\nshared_buffers = 32MB\nfsync = off\n"
            )
        self.run(*on_cpu(OTHER_CPU), self.control, "-D", data, "-l", os.path.join(self.folder, "log"), "-w", "start")
        self.data = data
        self.address = f"host=127.0.0.1 port={port} user=green dbname=postgres sslmode=disable gssencmode=disable"
        return self

    def run(self, *command):
        subprocess.run(self.user + list(command), check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def __exit__(self, *_):
        self.run(self.control, "-D", self.data, "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


class Server:
    """One of the servers of serve.py, on green threads or not."""

    def __init__(self, python, name, green, concurrency, environment):
        self.port = free_port()
        command = on_cpu(SERVER_CPU) + ([os.environ["GREEN_RUN"], "--children"] if green else [])
        command += [python, str(HERE / "serve.py"), name, str(self.port), str(concurrency)]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command,
            stdout=self.log,
            stderr=self.log,
            env=os.environ | environment,
            start_new_session=True,
        )

    def __enter__(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.05)
        text = self.output()
        self.__exit__()
        raise SystemExit(f"{self.process.args} does not listen:\n{text}")

    def output(self):
        self.log.seek(0)
        return self.log.read()[-2000:]

    def __exit__(self, *_):
        stop(self.process)
        self.log.close()
