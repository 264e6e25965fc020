"""What goes wrong: a clear error once, every rank ends non-zero within seconds,
and nothing is half-written."""
import os
import signal
import struct
import subprocess
import time
import unittest

from support import TEXT, Case, environment, program, run

SECONDS = 30  # for a loaded machine; on an idle one it takes two


class Failures(Case):
    def assertError(self, result, *parts, count=1):
        self.assertNotEqual(result.code, 0, str(result))
        errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
        self.assertEqual(len(errors), count, str(result))
        for part in parts:
            self.assertIn(part, "\n".join(errors), str(result))
        self.assertLess(result.seconds, SECONDS, str(result))

    def test_number_of_ranks(self):
        self.assertError(self.fake(1, variant=4), "found 1 rank, expected 4", "mpirun -n 4")
        self.assertError(self.fake(3, variant=2), "found 3 ranks, expected 2")
        self.assertError(self.fake(2, variant=1), "found 2 ranks, expected 1", "--pp=2")

    def test_options(self):
        self.assertError(self.fake(2, "--lr", "-1"), "error: found --lr -1, expected a number from 0 on")
        self.assertError(self.fake(1, "--bogus"), "--help lists")

    def two(self, first, second):
        """Two ranks with a command line each."""
        return run(["mpirun", "--oversubscribe", "-n", 1, *first, ":", "-n", 1, *second])

    def test_ranks_differ(self):
        one = [program("pprt-fake-2"), "--data", self.data, "--steps", "3"]
        other = [program("pprt-fake-other"), *one[1:]]
        self.assertError(self.two(one, other), "error: rank 1: found a program with hash")
        self.assertError(self.two(one, one + ["--lr", "0.5"]),
                         "error: rank 1: found --lr 0.5, expected 0.001 as on rank 0")
        self.assertError(self.two(one, one + ["--clip", "-1"]), "error: rank 1: found --clip -1")
        copy = self.path("copy.txt")
        with open(copy, "wb") as file:
            file.write(b"x" * 3000)
        self.assertError(self.two(one, [one[0], "--data", copy, *one[3:]]),
                         "error: rank 1: found --data")
        # The same name, another content: what a node with a stale copy shows.
        os.makedirs(self.path("a"))
        os.makedirs(self.path("b"))
        for place, content in (("a", b"x" * 3000), ("b", b"y" * 3000)):
            with open(self.path(place + "/text"), "wb") as file:
                file.write(content)
        command = [os.path.abspath(program("pprt-fake-2")), "--data", "text"]
        result = run(["mpirun", "--oversubscribe", "-n", 1, "--wdir", self.path("a"), *command,
                      ":", "-n", 1, "--wdir", self.path("b"), *command])
        self.assertError(result, "error: rank 1: found a data file with fingerprint")

    def test_data_file(self):
        for ranks in (1, 2):
            self.data = self.path("missing")
            self.assertError(self.fake(ranks), "error: cannot open the data file")
            self.data = self.path("short")
            with open(self.data, "wb") as file:
                file.write(b"0123456789012345")
            self.assertError(self.fake(ranks), "found 16 tokens", "expected at least 17")
            self.data = self.path("t.bin")
            with open(self.data, "wb") as file:
                file.write(struct.pack("<256i", 20240520, 1, 1000, *[0] * 253) + b"\0" * 600)
            self.assertError(self.fake(ranks), "the file is truncated")
            with open(self.data, "wb") as file:
                file.write(struct.pack("<100H", *[256] * 100))
            self.assertError(self.fake(ranks, "--token-format", "u16", "--save", self.path("w")),
                             "error: found token 256", "vocabulary of 256")
            self.assertFalse(os.path.exists(self.path("w")))

    def test_weights_file(self):
        self.assertError(self.fake(2, "--load", self.path("none")), "found neither model.safetensors nor")
        self.assertFine(self.fake(1, "--save", self.path("w")))
        path = self.path("w/model.safetensors")
        whole = self.read("w/model.safetensors")
        for size in (3, 100, len(whole) - 1):
            with open(path, "wb") as file:
                file.write(whole[:size])
            self.assertError(self.fake(2, "--load", self.path("w")), "truncated")
        with open(path, "wb") as file:
            file.write(whole.replace(b"stage0.scale", b"stage9.scale"))
        result = self.fake(1, "--load", self.path("w"))
        self.assertError(result, "that do not fit, expected the 8 parameters of the model")
        for line in ("surplus: stage9.scale [16]", "missing: stage0.scale [16]"):
            self.assertIn(line, str(result))

    def test_places_to_write(self):
        with open(self.path("file"), "wb"):
            pass
        for option in ("--metrics", "--trace", "--timeline"):
            self.assertError(self.fake(2, option, self.path("none/x")), "error: rank 0: cannot create")
        self.assertError(self.fake(2, "--save", self.path("file")), "error: rank 0: cannot make")
        self.assertError(self.fake(1, "--save", self.path("a/" + 300 * "x")), "cannot make")
        self.assertFalse(os.path.exists(self.path("a")))

    def test_non_finite_loss(self):
        for ranks in (1, 4):
            with open(self.path("model.safetensors"), "wb") as file:
                file.write(b"old")
            result = self.fake(ranks, "--save", self.directory, "--timeline", self.path("t.svg"),
                               FAKE_FAULT="nan@3")
            # A rank that was stopped by the others first is not named.
            self.assertError(result, "found the loss nan in micro-batch 0 of step 3")
            self.assertEqual(self.read("model.safetensors"), b"old")
            self.assertEqual(sorted(os.listdir(self.directory)), ["model.safetensors", "text.txt"])
            # Directories that were made for nothing go away again.
            result = self.fake(ranks, "--save", self.path("a/b"), FAKE_FAULT="nan@3")
            self.assertError(result, "found the loss nan")
            self.assertFalse(os.path.exists(self.path("a")))

    def test_weights_that_are_not_finite(self):
        # The last step is seen by no loss.
        for ranks in (1, 2):
            result = self.fake(ranks, "--steps", 1, "--lr", "3e38", "--weight-decay", 0, "--save",
                               self.path("w"))
            self.assertError(result, "in parameter 'stage", "after the last step", count=ranks)
            self.assertFalse(os.path.exists(self.path("w")))

    def test_broken_programs(self):
        self.assertError(self.fake(2, FAKE_FAULT="short@0"),
                         "error: rank 1: found a message of 64 bytes from rank 0, expected 128")
        self.assertError(self.fake(4, FAKE_FAULT="twice@2"),
                         "error: rank 2: found request 1 started twice")
        self.assertError(self.fake(4, FAKE_FAULT="forget@1"),
                         "error: rank 1: found 1 transfers without a wait")

    def test_rank_that_hangs(self):
        result = self.fake(2, "--timeout", 1, FAKE_FAULT="hang@1", variant=2)
        self.assertFine(result)  # the last rank sends no activations
        for rank in (0, 1, 2):
            result = self.fake(4, "--timeout", 1, FAKE_FAULT=f"hang@{rank}")
            self.assertNotEqual(result.code, 0)
            self.assertIn(f"error: rank {rank}: does not answer", result.err, str(result))
            # Whoever waited longest speaks first.
            self.assertRegex(result.err, r"took longer than 1 s in step 2: receive of "
                             r"'(activation|cotangent)', stage \d, micro-batch \d "
                             r"\(128 bytes, tag \d\) on the edge from rank \d to rank \d, "
                             r"expected rank \d to take part")
            self.assertLess(result.seconds, SECONDS)

    def test_rank_that_dies(self):
        for rank in (0, 3):
            result = self.fake(4, FAKE_FAULT=f"die@{rank}")
            self.assertNotEqual(result.code, 0)
            self.assertLess(result.seconds, SECONDS)

    def test_rank_that_is_stopped(self):
        # A stopped process answers nobody, and mpirun does not notice it.
        command = ["mpirun", "--oversubscribe", "-n", "2", program("pprt-fake-2"), "--data",
                   self.data, "--steps", "1000000", "--timeout", "1", "--quiet"]
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment())
        try:
            children = self.children(process.pid)
            os.kill(children[-1], signal.SIGSTOP)
            begin = time.monotonic()
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
        self.assertLess(time.monotonic() - begin, SECONDS)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("took longer than 1 s", err)

    def test_job_that_is_stopped_and_goes_on(self):
        # A suspended batch job, a frozen container: longer than --timeout, one rank a little
        # later than the other each time. Nobody is late.
        process, children = self.long_run(2, "--timeout", "4")
        try:
            for order in (children, children[::-1]):
                for child in order:
                    os.kill(child, signal.SIGSTOP)
                    time.sleep(0.2)
                time.sleep(6)
                before = self.steps()
                for child in order:
                    os.kill(child, signal.SIGCONT)
                    time.sleep(0.2)
                deadline = time.monotonic() + SECONDS
                while self.steps() < before + 10 and process.poll() is None:
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.1)
                self.assertIsNone(process.poll())
        finally:
            process.terminate()
            _, err = process.communicate()
        self.assertNotIn("error", err)

    def test_signals_end_after_a_step(self):
        for ranks in (1, 2):
            for number, name in ((signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")):
                where = self.path(f"{ranks}{name}")
                process, children = self.long_run(ranks, "--save", where)
                # One rank is enough.
                os.kill(children[-1], number)
                _, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 128 + number, err)
                self.assertIn(f"interrupted by {name} after ", err)
                done = int(err.split(f"interrupted by {name} after ")[1].split()[0])
                # The weights are those of that many steps.
                self.assertEqual(done, self.steps())
                self.assertEqual(os.listdir(where), ["model.safetensors"])
                again = self.path("again")
                command = [program("pprt-fake-1"), "--data", self.data, "--steps", str(done),
                           "--decay", str(100000000), "--save", again, "--quiet"]
                self.assertFine(run(command))
                with open(f"{where}/model.safetensors", "rb") as file:
                    self.assertEqual(file.read(), self.read("again/model.safetensors"))
        # Nothing to save: no directory either, and none where the process is killed.
        for number in (signal.SIGTERM, signal.SIGKILL):
            for ranks in (1, 2):
                options = ["--save", self.path("a/b")] if number == signal.SIGKILL else []
                process, children = self.long_run(ranks, *options)
                os.kill(children[-1], number)
                process.communicate(timeout=60)
                self.assertNotEqual(process.returncode, 0)
                self.assertFalse(os.path.exists(self.path("a")))

    def test_launcher_that_is_ended(self):
        # mpirun passes SIGTERM on and kills what is left after a second: the weights are there,
        # or nothing is.
        for number in (signal.SIGINT, signal.SIGTERM):
            where = self.path(f"w{int(number)}")
            process, _ = self.long_run(2, "--save", where)
            process.send_signal(number)
            process.communicate(timeout=60)
            self.assertNotEqual(process.returncode, 0)
            if os.path.exists(where):
                self.assertEqual(os.listdir(where), ["model.safetensors"])
                self.assertFine(self.fake(2, "--load", where))

    def test_data_file_that_changes(self):
        for ranks in (1, 2):
            for content in (b"", b"y" * len(TEXT)):
                with open(self.data, "wb") as file:
                    file.write(TEXT)
                process, _ = self.long_run(ranks)
                with open(self.data, "r+b") as file:
                    file.truncate(len(content))
                    file.write(content)
                _, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 1, err)
                self.assertIn(f"found the data file '{self.data}' cut to" if not content else
                              f"found other content in the data file '{self.data}'", err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
