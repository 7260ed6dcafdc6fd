"""One run of the suite in the emulated machine: reads its report and judges it."""

import time

from report import say

SKIPPED, KILLED = 77, 137

# Earlier kernels may lack features of io_uring that Green needs.
FIRST_URING = (6, 0)

# The guest prints a line every five seconds.
SILENCE = {"kvm": 60, "tcg": 180}
BOOT = {"kvm": 60, "tcg": 120}

# How much slower than on the host tests may be.
FACTORS = {"kvm": 2, "tcg": 4}


class Outcome:
    """The result of one test."""

    def __init__(self, test):
        self.test = test
        self.started = self.seconds = self.status = None
        self.output = []


class Session:
    def __init__(self, tests, exceptions, accelerator):
        self.outcomes = [Outcome(test) for test in tests]
        self.exceptions = exceptions
        self.accelerator = accelerator
        self.done = 0
        self.failed, self.skipped = [], []
        self.engine = self.fallback = self.trouble = None
        self.booted = self.finished = self.without_uring = False

    def limit(self, test):
        """The limit in seconds, for the guest."""
        return int(test.seconds * FACTORS[self.accelerator])

    def follow(self, machine, wanted, kernel):
        """Reads the report of the guest until it is done, or cannot continue."""
        heard = time.monotonic()
        while not (self.finished or self.without_uring or self.trouble):
            limit = (SILENCE if self.booted else BOOT)[self.accelerator]
            lines = machine.lines(max(0, heard + limit - time.monotonic()))
            if lines:
                heard = time.monotonic()
                for line in lines:
                    self.take(line)
            elif lines is None:
                self.trouble = machine.last_words()
            elif time.monotonic() - heard >= limit:
                what = "the guest is silent" if self.booted else "no sign of a boot"
                self.trouble = f"{what} for {limit} seconds; {machine.last_words()}"
            self.check_engine(wanted, kernel)
            self.trouble = self.trouble or self.stuck()

    def take(self, line):
        """Handles a line of the report."""
        word, _, rest = line.partition(" ")
        handler = getattr(self, "on_" + word.lower(), None) if word.isupper() else None
        try:
            if handler:
                handler(rest)
        except (ValueError, IndexError):
            self.trouble = f"a line from the guest is malformed: {line}"

    def check_engine(self, wanted, kernel):
        """Ends a run on io_uring if Green chooses epoll."""
        if wanted != "uring" or self.engine in (None, "uring"):
            return
        if kernel.version < FIRST_URING:
            self.without_uring = True
        else:
            self.trouble = f"Green takes the engine {self.engine} here: {self.fallback}"

    def on_boot(self, release):
        self.booted = True
        say(f"Linux {release} has booted")

    def on_engine(self, text):
        self.engine, _, self.fallback = text.partition(" ")

    def on_alive(self, text):
        pass

    def on_start(self, text):
        number, now = text.split()
        outcome = self.outcomes[int(number)]
        outcome.started, outcome.begun = float(now), time.monotonic()

    def on_out(self, text):
        number, _, line = text.partition(" ")
        self.outcomes[int(number)].output.append(line)

    def on_end(self, text):
        number, status, now = text.split()
        outcome = self.outcomes[int(number)]
        if outcome.started is None:
            raise ValueError
        outcome.status = int(status)
        outcome.seconds = float(now) - outcome.started
        self.done += 1
        self.judge(outcome)

    def on_done(self, text):
        self.finished = True

    def running(self):
        return [outcome for outcome in self.outcomes if outcome.started is not None and outcome.status is None]

    def stuck(self):
        """Why the run cannot continue, if a test did not end even when it was killed."""
        for outcome in self.running():
            limit = self.limit(outcome.test) + SILENCE[self.accelerator]
            if time.monotonic() - outcome.begun > limit:
                return f"a test could not be ended in {limit} seconds: {outcome.test.name}"
        return None

    def judge(self, outcome):
        """Counts a result and prints its line."""
        skips = next((e for e in self.exceptions if e.kind == "skips" and e.names(outcome.test)), None)
        if outcome.status == 0:
            word = "   Passed "
        elif outcome.status == SKIPPED and skips:
            word = "***Skipped"
            self.skipped.append((outcome, skips))
        else:
            timeout = outcome.status == KILLED and outcome.seconds >= self.limit(outcome.test)
            word = "***Timeout" if timeout else "***Failed "
            self.failed.append(outcome)
            if outcome.status == SKIPPED:
                outcome.output.insert(0, "it was skipped, and no exception says why")
        total = len(self.outcomes)
        start = f"{self.done:>{len(str(total))}}/{total} Test {'#' + str(outcome.test.number):>5}: {outcome.test.name} "
        say(f"{start:.<118} {word} {outcome.seconds:7.2f} sec")
        if outcome in self.failed:
            for line in "\n".join(outcome.output).rstrip().splitlines():
                say(f"    {line}")

    def passed(self):
        return [outcome for outcome in self.outcomes if outcome.status == 0]

    def missing(self):
        return [outcome for outcome in self.outcomes if outcome.status is None]
