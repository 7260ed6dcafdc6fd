"""Shows green threads in gdb, of a running process or of a core file.

    (gdb) source /usr/share/greencore/gdb/green-gdb.py
    (gdb) green threads
    (gdb) green backtrace 7

It only reads memory of the process and calls no functions in it. It needs the debug information of Green's core, so
build release builds with -g, too.
"""

import re

import gdb
from gdb.unwinder import Unwinder

RUNNING, PARKED, DONE = 1, 2, 3  # green_state in thread_record.h

# What green__switch has saved on the stack of a thread that does not run: the offsets of the registers, and the size of
# the frame. See switch_x86_64.S and switch_aarch64.S.
X86_64 = {"r15": 0, "r14": 8, "r13": 16, "r12": 24, "rbx": 32, "rbp": 40, "rip": 48}
AARCH64 = {f"x{19 + i}": 8 * i for i in range(12)}
FRAMES = {
    "i386:x86-64": (X86_64, "rip", "rsp", 56),
    "aarch64": ({**AARCH64, "pc": AARCH64["x30"]}, "pc", "sp", 160),
}


def hubs():
    """Every hub of the process."""
    symbol = gdb.lookup_global_symbol("green__hubs")
    if symbol is None:
        try:
            gdb.parse_and_eval("(char)green__hubs")
        except gdb.error:
            raise gdb.GdbError("Nothing here is called green__hubs: this program has no Green, or was stripped.")
        raise gdb.GdbError("Green's core has no debug information: build it with -g.")
    try:
        hub = symbol.value()
        hub.fetch_lazy()
    except gdb.MemoryError:
        raise gdb.GdbError("The hubs cannot be read: start the program, attach to it, or load a core file.")
    if not hub:
        raise gdb.GdbError("There is no green thread: no OS thread has a hub.")
    while hub:
        yield hub["hub"]
        hub = hub["next"]


def threads(hub):
    """Every green thread of a hub that has not finished, in the order of their ids."""
    found = [hub["root"].address]
    block = hub["records"]["blocks"]
    while block:
        records = block["threads"]
        first, last = records.type.range()
        found += [records[i].address for i in range(first, last + 1) if records[i]["state"] < DONE]
        block = block["next"]
    return sorted(found, key=lambda thread: int(thread["id"]))


def posts(hub):
    """The number of posts in the inbox of a hub."""
    inbox = hub["inbox"]
    states = [int(gdb.parse_and_eval(f"&'inbox.c'::{name}")) for name in ("sleeping", "closed", "abandoned")]
    count = 0
    for post in (inbox["newest"], inbox["unordered"], inbox["ordered"]):
        while post and int(post) not in states:
            count += 1
            post = post["next"]
    return count


def hub_label(hub):
    name = hub["name"].string()
    return f"OS thread {int(hub['registration']['tid'])}" + (f", hub '{name}'" if name else "")


def label(thread):
    name = f" '{thread['name'].string()}'" if thread["name"] else ""
    return f"thread {int(thread['id'])}{name}"


def os_thread(hub):
    """The OS thread of a hub in gdb, or None if gdb does not know it."""
    number = int(hub["registration"]["tid"])
    for thread in gdb.selected_inferior().threads():
        if number in thread.ptid[1:]:
            return thread
    return None


def is_within(stack, address):
    return bool(stack) and int(stack["bottom"]) <= address < int(stack["top"])


def running(hub):
    """The green thread whose stack the OS thread runs on. While the hub waits in the kernel, this is the one that
    runs the event loop. Selects the OS thread."""
    found = os_thread(hub)
    if found is not None:
        found.switch()
        gdb.newest_frame().select()
        sp = int(gdb.parse_and_eval("$sp"))
        for thread in threads(hub):
            if is_within(thread["stack"], sp):
                return thread
    return hub["current"]


def symbol(pointer):
    """The symbol that a pointer points to. In a Swift program gdb prints green__x as green.x, because it takes the name
    for one of Ada."""
    found = re.search(r"<(?:green(?:__|\.))?(\w+)", pointer.format_string(symbols=True))
    return found.group(1) if found else "something"


def has_started(thread):
    return bool(thread["begun"])


def state(thread, runs):
    number = int(thread["state"])
    if number == PARKED:
        # The name of the wait's kind: its describe() is not called.
        text = "parked, " + symbol(thread["wait"]["kind"]).replace("_", " ")
        return text + ", and its OS thread waits for all" if runs else text
    if number == RUNNING or runs:
        return "running"
    return "ready" if has_started(thread) else f"not started: {symbol(thread['function'])}"


class Elsewhere(Unwinder):
    """Makes gdb unwind from the newest frame of an OS thread to the frames of a green thread."""

    def __init__(self):
        super().__init__("green")
        self.thread = None

    def __call__(self, pending):
        layout = FRAMES.get(pending.architecture().name())
        if self.thread is None or layout is None or pending.level() != 0:
            return None
        saved, pc, sp, size = layout
        begin = int(self.thread["sp"])
        info = pending.create_unwind_info(self)
        for register, offset in saved.items():
            value = gdb.selected_inferior().read_memory(begin + offset, 8)
            info.add_saved_register(register, gdb.Value(bytes(value), pending.read_register(register).type))
        info.add_saved_register(sp, gdb.Value(begin + size).cast(pending.read_register(sp).type))
        return info

    # The frame's id.
    @property
    def sp(self):
        return self.thread["sp"]

    @property
    def pc(self):
        return gdb.Value(0)

    def backtrace(self, thread, arguments):
        """The backtrace of a thread that does not run, as gdb prints it."""
        self.thread = thread
        gdb.invalidate_cached_frames()
        try:
            text = gdb.execute(f"backtrace {arguments}", to_string=True)
        finally:
            self.thread = None
            gdb.invalidate_cached_frames()
        frames = re.split(r"^(?=#\d)", text, flags=re.MULTILINE)[2:]  # without the OS thread's newest frame
        return "".join(f"#{i:<3}{frame.split(None, 1)[1]}" for i, frame in enumerate(frames))


elsewhere = Elsewhere()
gdb.unwinder.register_unwinder(None, elsewhere, replace=True)


def is_missing(thread):
    """Whether the core file lacks the thread's stack."""
    try:
        memory = gdb.selected_inferior().read_memory(int(thread["sp"]), 160)
        return not any(b"".join(memory))
    except gdb.MemoryError:
        return True


def backtrace(hub, thread, runs, arguments):
    if not runs and not has_started(thread):
        return ""
    if not runs and is_missing(thread):
        return (
            "Its stack is not in the core file. Core files by the system contain it; those by gdb's\n"
            "generate-core-file do not, because gdb stops at the guards between stacks.\n"
        )
    if runs and os_thread(hub) is None:
        return "gdb does not know its OS thread.\n"
    return gdb.execute(f"backtrace {arguments}", to_string=True) if runs else elsewhere.backtrace(thread, arguments)


class Command(gdb.Command):
    """A command that restores the selected OS thread and frame."""

    def invoke(self, arguments, from_tty):
        selected = gdb.selected_thread()
        if selected is None:
            raise gdb.GdbError("There is no process: start the program, attach to it, or load a core file.")
        frame = gdb.selected_frame().level()
        try:
            self.run(arguments)
        finally:
            selected.switch()
            gdb.execute(f"frame {frame}", to_string=True)


class Green(gdb.Command):
    """Green threads."""

    def __init__(self):
        super().__init__("green", gdb.COMMAND_STACK, prefix=True)


class Threads(Command):
    """List the hubs of all OS threads with their pending posts, and their green threads: id, name, state and what each
waits for.
Usage: green threads"""

    def __init__(self):
        super().__init__("green threads", gdb.COMMAND_STATUS)

    def run(self, arguments):
        for hub in hubs():
            print(f"{hub_label(hub)}: {int(hub['threads'])} green threads, {posts(hub)} pending posts")
            current = running(hub)
            for thread in threads(hub):
                print(f"  {label(thread)}: {state(thread, thread == current)}")


class Backtrace(Command):
    """Print the backtrace of a green thread, or of all.
Usage: green backtrace [NUMBER|all] [OPTIONS]
Without a number it is the green thread that the selected OS thread runs, or ran last. The options are those of the
command backtrace, such as full."""

    def __init__(self):
        super().__init__("green backtrace", gdb.COMMAND_STACK)

    def run(self, arguments):
        which, _, options = arguments.strip().partition(" ")
        if which and which != "all" and not which.isdigit():
            which, options = "", arguments
        selected = gdb.selected_thread()
        count = 0
        for hub in hubs():
            current = running(hub)
            for thread in threads(hub):
                if which == "" and not (os_thread(hub) == selected and thread == current):
                    continue
                if which.isdigit() and int(which) != int(thread["id"]):
                    continue
                print(f"{label(thread)}, {state(thread, thread == current)}:")
                print(backtrace(hub, thread, thread == current, options))
                count += 1
        if count == 0:
            raise gdb.GdbError(f"There is no green thread {which}." if which else "This OS thread has no hub.")


Green()
Threads()
Backtrace()
gdb.execute("alias green bt = green backtrace")
