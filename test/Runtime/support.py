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
    variables.update(more)
    return variables


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
