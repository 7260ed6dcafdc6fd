"""What gdb shows of green threads that wait, and of one that crashes. Runs inside gdb."""

import glob
import os
import re
import resource
import subprocess
import tempfile
import traceback

import gdb

program = gdb.current_progspace().filename
script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../csrc/diagnostics/green-gdb.py")


class Skipped(Exception):
    pass


def output(command):
    return gdb.execute(command, to_string=True)


def expect(text, pattern):
    assert re.search(pattern, text, re.MULTILINE), f"no {pattern!r} in:\n{text}"


def expect_error(command, pattern):
    try:
        text = output(command)
    except gdb.error as error:
        expect(str(error), pattern)
    else:
        raise AssertionError(f"{command} is no error:\n{text}")


def expect_frames(text, *names):
    """Checks that the functions are in the backtrace, innermost first, and that it ends at the entry of a green thread."""
    frames = re.findall(r"^#\d+ +(?:0x\w+ in )?(\S+)", text, re.MULTILINE)
    places = [frames.index(name) for name in names]
    assert places == sorted(places), f"not in this order, {names}:\n{text}"
    assert frames[-1] == "green__entry", f"no end at green__entry:\n{text}"
    assert "Backtrace stopped" not in text and "??" not in text, text


def look():
    """Checks the process or its core file at the crash."""
    expect_frames(output("backtrace"), "fall", "stumble", "green__thread_main")
    gdb.execute(f"source {script}")
    gdb.execute("frame 2", to_string=True)
    native = gdb.selected_thread().num

    text = output("green threads")
    expect(text, r"^OS thread \d+: 5 green threads, 3 pending posts$")
    expect(text, r"^OS thread \d+, hub 'elsewhere': 2 green threads, 0 pending posts$")
    expect(text, r"^  thread 1 'main': parked, joining$")
    expect(text, r"^  thread \d+ 'dreamer': parked, sleeping$")
    expect(text, r"^  thread \d+ 'listener': parked, getting$")
    expect(text, r"^  thread \d+ 'distant': parked, sleeping")
    expect(text, r"^  thread \d+ 'clumsy': running$")
    expect(text, r"^  thread \d+ 'unstarted': not started: dream$")

    number = {name: identity for identity, name in re.findall(r"thread (\d+) '(\w+)'", text)}
    expect_frames(output(f"green backtrace {number['dreamer']}"), "green_sleep", "doze", "dream", "green__thread_main")
    expect_frames(output(f"green bt {number['listener']}"), "listen_to", "green__thread_main")
    expect_frames(output(f"green backtrace {number['distant']}"), "green_sleep", "doze", "dream", "green__thread_main")
    expect_frames(output("green backtrace"), "fall", "stumble", "green__thread_main")
    expect(output("green backtrace 1"), r"^#\d+ .*\btest_crash \(")
    expect(output("green backtrace -frame-arguments none"), r"^#\d+ .*\bstumble \(unused=\.\.\.\)")
    assert "#" not in output(f"green backtrace {number['unstarted']}")
    text = output("green backtrace all")
    for name in number:
        expect(text, rf"^thread {number[name]} '{name}', ")
    expect_error("green backtrace 1000000", "There is no green thread 1000000")

    assert gdb.selected_thread().num == native and gdb.selected_frame().level() == 2
    expect_frames(output("backtrace"), "fall", "stumble", "green__thread_main")


def run():
    try:
        output("run crash")
    except gdb.error as error:
        raise Skipped(f"gdb cannot run a program here: {error}")


def process(directory):
    expect_error(f"source {script}\ngreen threads", "There is no process")
    run()
    look()
    gdb.execute("kill")
    stripped = os.path.join(directory, "stripped")
    subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)
    gdb.execute(f"file {stripped}")
    run()
    expect_error("green threads", "no debug information: build it with -g")
    gdb.execute("kill")


def core(directory):
    def allow_cores():
        limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))

    subprocess.run([program, "crash"], cwd=directory, preexec_fn=allow_cores)
    files = glob.glob(os.path.join(directory, "core*"))
    if not files:
        raise Skipped("the system leaves no core file here")
    gdb.execute(f"core-file {files[0]}", to_string=True)
    look()


gdb.execute("set confirm off")
gdb.execute("set width 0")
status = 0
with tempfile.TemporaryDirectory() as place:
    try:
        {"process": process, "core": core}[scenario](place)
    except Skipped as reason:
        print(f"skipped: {reason}")
        status = 77
    except Exception:
        traceback.print_exc()
        status = 1
gdb.execute(f"quit {status}")
