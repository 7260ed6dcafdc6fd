"""The tests to run, from ctest, and the table of exceptions."""

import json
import re
import shlex
import subprocess

KINDS = ("absent", "slow", "skips")
ENGINES = ("uring", "epoll")


class Malformed(Exception):
    """The table of exceptions does not have the format described in it."""


class Test:
    def __init__(self, number, listed):
        properties = {item["name"]: item["value"] for item in listed.get("properties", [])}
        self.number = number
        self.name = listed["name"]
        self.command = shlex.join(listed["command"])
        self.directory = properties["WORKING_DIRECTORY"]
        self.seconds = properties.get("TIMEOUT", 1500)


def tests_of(build, pattern=None):
    """The tests of the build directory, each once: another kernel lacks features anyway.

    Without planted faults, which the simulation finds on any kernel.
    """
    command = ["ctest", "--test-dir", build, "-LE", "without|mutants", "--show-only=json-v1"]
    listed = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    tests = [Test(number, test) for number, test in enumerate(listed["tests"], 1) if "command" in test]
    return [test for test in tests if not pattern or pattern.search(test.name)]


class Named:
    """An exception of the table."""

    def __init__(self, kind, engine, condition, name):
        self.kind, self.engine, self.condition, self.name = kind, engine, condition, name
        self.reason = ""

    def names(self, test):
        if self.name.endswith("*"):
            return test.name.startswith(self.name[:-1])
        return test.name == self.name

    def holds(self, engine, version):
        if self.engine not in ("any", engine):
            return False
        if self.condition == "any":
            return True
        limit = tuple(int(part) for part in self.condition.lstrip("<>=").split("."))
        return version < limit if self.condition.startswith("<") else version >= limit


def parse(line):
    fields = line.split(None, 3)
    kind, engine, condition = fields[:3] if len(fields) == 4 else (None, None, None)
    if kind not in KINDS or engine not in ENGINES + ("any",) or not re.fullmatch(r"any|(<|>=)\d+\.\d+", condition):
        raise Malformed(f"not an exception: {line}")
    return Named(kind, engine, condition, fields[3])


def exceptions_in(path):
    table = []
    with open(path) as file:
        for line in file:
            line = line.rstrip()
            if not line or line.startswith("#"):
                continue
            if line.startswith(" "):
                if not table:
                    raise Malformed(f"a reason without an exception: {line}")
                table[-1].reason = f"{table[-1].reason} {line.strip()}".strip()
            else:
                table.append(parse(line))
    for exception in table:
        if not exception.reason:
            raise Malformed(f"no reason is given for: {exception.name}")
    return table
