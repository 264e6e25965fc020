"""What the runtime's end-to-end tests share: starting programs under mpirun."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

BIN = sys.argv.pop(1) if len(sys.argv) > 1 else "build/bin"
SANITIZED = "ASAN_OPTIONS" in os.environ

# Real English: the same text on every machine.
TEXT = (b"It is a truth universally acknowledged, that a single man in possession "
        b"of a good fortune, must be in want of a wife. However little known the "
        b"feelings or views of such a man may be on his first entering a "
        b"neighbourhood, this truth is so well fixed in the minds of the surrounding "
        b"families, that he is considered as the rightful property of some one or "
        b"other of their daughters. ") * 8


def environment(**more):
    variables = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                     OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    for name in list(variables):
        if name.startswith(("FAKE_", "PPRT_")):
            del variables[name]
    # CUDA's libraries, if any, are those that a test names.
    variables["PPRT_CUDA_PATH"] = ""
    variables.update(more)
    return {name: value for name, value in variables.items() if value is not None}


class Result:
    def __init__(self, process, out, err, seconds):
        self.code, self.out, self.err, self.seconds = process.returncode, out, err, seconds

    def __str__(self):
        return f"exit {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.err}"


def run(command, limit=120, **variables):
    begin = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment(**variables))
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Result(process, out, err, time.monotonic() - begin)


def mpirun(ranks, command, **variables):
    return run(["mpirun", "--oversubscribe", "-n", ranks, *command], **variables)


def program(name):
    return os.path.join(BIN, name)


class Case(unittest.TestCase):
    """A test in a directory of its own, with a data file."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="pprt-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.data = self.path("text.txt")
        with open(self.data, "wb") as file:
            file.write(TEXT)

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def fake(self, ranks, *options, variant=None, **variables):
        command = [program(f"pprt-fake-{variant or ranks}"), "--data", self.data,
                   "--steps", 5, *options]
        return (run(command, **variables) if ranks == 1
                else mpirun(ranks, command, **variables))

    def assertFine(self, result):
        self.assertEqual(result.code, 0, str(result))
        return result

    def long_run(self, ranks, *options, name="pprt-fake", **variables):
        """A run that only something from outside ends, and its ranks once they train."""
        command = [program(f"{name}-{ranks}"), "--data", self.data, "--steps", "100000000",
                   "--quiet", "--metrics", self.path("m.jsonl"), *options]
        if ranks > 1:
            command = ["mpirun", "--oversubscribe", "-n", str(ranks), *command]
        if os.path.exists(self.path("m.jsonl")):
            os.remove(self.path("m.jsonl"))
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment(**variables))
        self.addCleanup(process.kill)
        found = self.children(process.pid) if ranks > 1 else [process.pid]
        self.wait_for_steps(2)
        return process, found

    def steps(self):
        try:
            return self.read("m.jsonl").count(b"\n")
        except FileNotFoundError:
            return 0

    def wait_for_steps(self, count):
        deadline = time.monotonic() + 60
        while self.steps() < count:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def children(self, parent):
        """The ranks that `parent` (mpirun) started, once they train."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = []
            for name in os.listdir("/proc"):
                if not name.isdigit():
                    continue
                try:
                    with open(f"/proc/{name}/stat") as file:
                        fields = file.read().rsplit(")", 1)[1].split()
                    descriptors = f"/proc/{name}/fd"
                    trains = any(os.readlink(f"{descriptors}/{fd}") == os.path.realpath(self.data)
                                 for fd in os.listdir(descriptors))
                except OSError:
                    continue
                if int(fields[1]) == parent and trains:
                    found.append(int(name))
            if len(found) == 2:
                time.sleep(1)
                return sorted(found)
            time.sleep(0.1)
        self.fail("the ranks did not start")
