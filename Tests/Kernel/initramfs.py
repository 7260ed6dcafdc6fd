"""The initial file systems of the emulated machines, as cpio archives."""

import glob
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))

# Files that programs open at run time, which ldd does not list.
OPENED = ["/lib/*-linux-gnu/libgcc_s.so.1", "/lib/*-linux-gnu/libnss_*.so.2", "/lib64/libgcc_s.so.1",
          "/lib64/libnss_*.so.2"]  # fmt: skip
SETTINGS = ["/etc/hosts", "/etc/services", "/etc/protocols", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group",
            "/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf"]  # fmt: skip
PROGRAMS = ["curl", "openssl"]


def archive(root, path):
    """Archives a directory, uncompressed, because a kernel may lack the compression method."""
    names = subprocess.run(["find", ".", "-mindepth", "1"], cwd=root, check=True, stdout=subprocess.PIPE)
    with open(path, "wb") as file:
        command = ["cpio", "--quiet", "--create", "--format=newc", "--owner=+0:+0"]
        subprocess.run(command, cwd=root, check=True, input=names.stdout, stdout=file)
    return path


def skeleton(root):
    """Installs Busybox as all of its programs, in the usual directories."""
    for directory in ["usr/bin", "usr/lib", "usr/lib64", "proc", "sys", "dev", "etc", "tmp", "run", "root", "var"]:
        os.makedirs(f"{root}/{directory}")
    for name in ["bin", "lib", "lib64"]:
        os.symlink(f"usr/{name}", f"{root}/{name}")
    os.symlink("bin", f"{root}/usr/sbin")
    os.symlink("usr/bin", f"{root}/sbin")
    os.symlink("../tmp", f"{root}/var/tmp")
    busybox = shutil.which("busybox")
    shutil.copy(busybox, f"{root}/usr/bin/busybox")
    names = subprocess.run([busybox, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    for name in names:
        if name != "busybox":
            os.symlink("busybox", f"{root}/usr/bin/{name}")


def script(path, text):
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)


def minimal(place):
    """The archive of a system that reports that it has booted."""
    root = f"{place}/root"
    skeleton(root)
    script(f"{root}/init", "mount -t devtmpfs devtmpfs /dev\necho BOOT $(uname -r) >/dev/ttyS1\npoweroff -f")
    return archive(root, f"{place}/initramfs")


def runner(root):
    """The programs that run a list of tests."""
    for name in ["init", "one"]:
        shutil.copy(f"{HERE}/{name}", f"{root}/{name}")


def pretended(place):
    """The archive of a system without Green that looks to the runner like one on io_uring."""
    root = f"{place}/root"
    skeleton(root)
    runner(root)
    script(f"{root}/kernel-engine", "echo uring")
    return archive(root, f"{place}/system")


def libraries(files):
    """The libraries that the programs and libraries are linked with."""
    output = subprocess.run(["ldd", *files], stdout=subprocess.PIPE, text=True).stdout
    missing = [line.strip() for line in output.splitlines() if "not found" in line]
    if missing:
        raise RuntimeError("; ".join(missing))
    words = {word for line in output.splitlines() if "\t" in line for word in line.split()}
    return sorted(word for word in words if word.startswith("/"))


def add(root, path, strip=False):
    """Copies a file to the same path below the root."""
    target = root + path
    if os.path.lexists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if strip:
        subprocess.run(["strip", "--strip-debug", "-o", target, path], check=True)
    else:
        shutil.copy(path, target)


def system(build, place):
    """The archive of a system with the C tests, without the list of tests to run."""
    root = f"{place}/root"
    skeleton(root)
    tests = f"{build}/Tests/CoreTests"
    built = [path for pattern in (f"{tests}/test-*", f"{tests}/*.so*", f"{build}/*.so*") for path in glob.glob(pattern)]
    programs = [path for path in map(shutil.which, PROGRAMS) if path]
    opened = [path for pattern in OPENED for path in glob.glob(pattern)]
    for path in built:
        if os.path.islink(path):
            add_link(root, path)
        else:
            add(root, path, strip=True)
    for path in libraries(built + programs + opened) + opened:
        add(root, path)
    for path in programs + [path for path in SETTINGS if os.path.exists(path)]:
        add(root, path)
    runner(root)
    shutil.copy(f"{tests}/kernel-engine", f"{root}/kernel-engine")
    return archive(root, f"{place}/system")


def add_link(root, path):
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    os.symlink(os.readlink(path), root + path)


def with_list(system_archive, tests, limit, place):
    """The system's archive with the list of tests for /init. The kernel unpacks both archives
    of one file."""
    root = f"{place}/list-root"
    os.makedirs(root)
    with open(f"{root}/list", "w") as file:
        for number, test in enumerate(tests):
            for field in (number, limit(test), test.directory, test.command):
                file.write(f"{field}\0")
    listed = archive(root, f"{place}/list")
    joined = f"{place}/initramfs"
    with open(joined, "wb") as file:
        for part in (system_archive, listed):
            with open(part, "rb") as source:
                shutil.copyfileobj(source, file)
    shutil.rmtree(root)
    return joined
