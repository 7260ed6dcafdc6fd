"""The output of a run."""

TITLES = {"uring": "io_uring", "epoll": "epoll"}


def say(text=""):
    print(text, flush=True)


def close(current, kernel, engine, left, seconds, processor_seconds=0):
    """Prints the end of a run. Returns whether it succeeded."""
    missing = current.missing()
    failures = len(current.failed) + len(missing)
    total = len(current.outcomes)
    skipped = len(left) + len(current.skipped)
    if current.trouble:
        say(f"\nThe run ended early: {current.trouble}")
        for outcome in current.running():
            say(f"    running then: {outcome.test.name}")
    say(f"\n{100 * (total - failures) // total if total else 0}% tests passed, {failures} tests failed out of {total}")
    say(f"\nTotal Test time (real) = {seconds:6.2f} sec")
    say(f"Processor time of the emulator = {processor_seconds:6.2f} sec")
    listing("The following tests were left out:", [(test, e.reason) for test, e in left])
    listing("The following tests did not run:", [(o.test, e.reason) for o, e in current.skipped])
    listing("The following tests FAILED:", [(o.test, f"status {o.status}") for o in current.failed])
    listing("The following tests have no result:", [(o.test, "started" if o.started else "") for o in missing], 20)
    say(f"\n{TITLES[engine]} on Linux {kernel.release}: {len(current.passed())} passed, {failures} failed, "
        f"{skipped} skipped")  # fmt: skip
    return failures == 0 and not current.trouble and total > 0


def listing(head, entries, most=None):
    """Lists tests with the same reason together."""
    if not entries:
        return
    say(f"\n{head}")
    reasons = {}
    for test, reason in entries:
        reasons.setdefault(reason, []).append(test)
    for reason, tests in reasons.items():
        for test in tests[:most]:
            say(f"    {test.number:4} - {test.name}")
        if most and len(tests) > most:
            say(f"    ... and {len(tests) - most} more")
        if reason:
            say(f"           {reason}")
