"""An emulated machine that boots a kernel image, and the choice of its accelerator."""

import os
import re
import resource
import select
import shutil
import struct
import subprocess
import tempfile
import time

import initramfs

HERE = os.path.dirname(os.path.abspath(__file__))

# An oops ends the machine like a panic. The mitigations only cost time here. On a busy host
# the timer is so late that the kernel's check of it would fail.
COMMAND_LINE = "console=ttyS0 loglevel=4 panic=-1 oops=panic mitigations=off no_timer_check random.trust_cpu=on"

ACCELERATORS = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    "tcg": ["-accel", "tcg,thread=multi", "-cpu", "max"],
}

# The programs, and the Debian packages that contain them.
TOOLS = {"busybox": "busybox-static", "cpio": "cpio", "qemu-system-x86_64": "qemu-system-x86", "strip": "binutils"}

PROBE_SECONDS = {"kvm": 15, "tcg": 60}


class Unusable(Exception):
    """The requested run is impossible; the text says why."""


def check_tools():
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise Unusable(f"missing packages: {' '.join(missing)}; make test-kernel installs them")


class Kernel:
    """A boot image for x86-64: the format of Documentation/arch/x86/boot.rst."""

    def __init__(self, path):
        self.path = path
        try:
            with open(path, "rb") as file:
                head = file.read(0x8000)
        except OSError as error:
            raise Unusable(f"{path}: {error.strerror}") from None
        if head[0x202:0x206] != b"HdrS":
            raise Unusable(f"{path} is not a boot image of Linux for x86 (vmlinuz){hint(head)}")
        if not struct.unpack_from("<H", head, 0x236)[0] & 1:
            raise Unusable(f"{path} is a 32-bit boot image")
        start = struct.unpack_from("<H", head, 0x20E)[0] + 0x200
        self.release = head[start : head.find(b"\0", start)].split(b" ")[0].decode(errors="replace")
        numbers = re.match(r"(\d+)\.(\d+)", self.release)
        if not numbers:
            raise Unusable(f"{path} does not contain its version")
        self.version = (int(numbers[1]), int(numbers[2]))


def fetch(directory, package=None):
    """The boot image of a package, by default that of the distribution."""
    command = [f"{HERE}/fetch", f"{directory}/packages"] + ([package] if package else [])
    fetched = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if fetched.returncode != 0:
        raise Unusable("cannot fetch the kernel package; --kernel accepts a boot image instead")
    return fetched.stdout.strip()


def hint(head):
    """What the file is instead, if that is known."""
    if head.startswith(b"!<arch>") or head.startswith(b"\xed\xab\xee\xdb"):
        return ": it is a package, which contains one; see Tests/Kernel/README.md"
    if head.startswith(b"\x7fELF"):
        return ": it is an ELF file, perhaps the vmlinux that the image is made from"
    if head[56:60] == b"ARM\x64":
        return ": it is one for aarch64"
    return ""


def processor_seconds_of_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Machine:
    """A running emulator, with its second serial port as lines."""

    def __init__(self, kernel, archive, accelerator, console, environment=None, processors=1, memory=512):
        words = [COMMAND_LINE] + [f'"{name}={value}"' for name, value in (environment or {}).items()]
        self.console = console
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]
            + ACCELERATORS[accelerator]
            + ["-m", str(memory), "-smp", str(processors)]
            + ["-kernel", kernel.path, "-initrd", archive, "-append", " ".join(words)]
            + ["-serial", f"file:{console}", "-serial", "stdio"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.rest = b""
        self.processor_seconds = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        before = processor_seconds_of_children()
        self.process.kill()
        self.process.wait()
        self.processor_seconds = processor_seconds_of_children() - before
        self.process.stdout.close()
        self.process.stderr.close()

    def lines(self, seconds):
        """The next lines: none after the timeout, None if the machine is off."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return []
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            self.process.wait()
            return None
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]

    def last_words(self):
        """Why the machine is off or silent: the output of the emulator or the kernel."""
        if self.process.poll():
            return "the emulator ended: " + (self.process.stderr.read().decode(errors="replace").strip() or "no message")
        with open(self.console, errors="replace") as file:
            printed = [line.strip() for line in file if line.strip()]
        if not printed:
            return "nothing was printed on the console"
        panics = [line for line in printed if "Kernel panic" in line]
        text = panics[0] if panics else "the console ends: " + " / ".join(printed[-3:])
        if "Unable to mount root fs" in text:
            text += " (the kernel did not take the initramfs; it may lack CONFIG_BLK_DEV_INITRD)"
        return text


def boots(kernel, accelerator, directory):
    """None if the kernel boots to the first process, else the reason why it does not."""
    with tempfile.TemporaryDirectory(dir=directory) as place:
        archive = initramfs.minimal(place)
        with Machine(kernel, archive, accelerator, f"{place}/console") as machine:
            end = time.monotonic() + PROBE_SECONDS[accelerator]
            while (left := end - time.monotonic()) > 0:
                lines = machine.lines(left)
                if lines is None:
                    return machine.last_words()
                if any(line.startswith("BOOT") for line in lines):
                    return None
            return f"no sign of life from it in {PROBE_SECONDS[accelerator]} seconds; {machine.last_words()}"


def accelerator_for(kernel, directory):
    """KVM if it works, else the emulator's translator. Decided once, by a trial."""
    memory = f"{directory}/accelerator"
    if os.path.exists(memory):
        with open(memory) as file:
            name = file.read().strip()
        if name in ACCELERATORS:
            return name, f"as found before: {memory}"
    refusal = "no access to /dev/kvm"
    if os.access("/dev/kvm", os.R_OK | os.W_OK):
        print("Trying KVM", flush=True)
        refusal = boots(kernel, "kvm", directory)
        if not refusal:
            remember(memory, "kvm")
            return "kvm", "it works here"
        refusal = f"KVM does not work here: {refusal}"
    failure = boots(kernel, "tcg", directory)
    if failure:
        raise Unusable(f"{kernel.path} does not boot: {failure}")
    remember(memory, "tcg")
    return "tcg", refusal


def remember(path, name):
    with open(path, "w") as file:
        print(name, file=file)
