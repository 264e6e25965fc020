"""Several runs in one process, some of which fail: all that a run had is freed, and the
next one is as good as the first (RunsTest.cpp)."""
import os
import sys
import unittest

from support import SANITIZED, Case, mpirun, program, run

FAKE = sys.argv.pop(1) if len(sys.argv) > 1 else "build/test/Runtime/fake-gpu"


class Runs(Case):
    def check(self, ranks, faults, errors, *options, variant="", **variables):
        command = [program(f"pprt-runs-{variant}{ranks}"), self.data, self.directory,
                   ",".join(faults), *options]
        variables.setdefault("FAKE_NCCL_DIR", self.directory)
        paths = [FAKE, os.environ.get("LD_LIBRARY_PATH", "")]
        variables["LD_LIBRARY_PATH"] = ":".join(path for path in paths if path)
        if SANITIZED and ranks == 1:
            variables["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"].replace(
                "detect_leaks=0", "detect_leaks=1")
        start = mpirun if ranks > 1 else lambda _, command, **more: run(command, **more)
        result = start(ranks, command, **variables)
        self.assertEqual(result.code, 0, str(result))
        self.assertEqual(result.out.count("all runs are as they should be"), ranks,
                         str(result))
        for error in errors:
            self.assertIn(error, result.err, str(result))

    def test_host(self):
        self.check(1, ["nan@2", "nan@0", "nan@4"], ["found the loss nan"])

    def test_host_of_two_ranks(self):
        # One that all find, and those that one rank finds in the midst of the others'.
        self.check(2, ["nan@2", "short@0", "twice@0", "forget@0"],
                   ["found the loss nan", "found a message of 64 bytes",
                    "started twice without a wait", "without a wait at the end"])

    def test_emulated_device(self):
        self.check(1, ["nan@2", "kernel@2", "kernel@0"],
                   ["found the loss nan", "wait at a barrier"],
                   "--device", "emulated", variant="gpu-")

    def test_cuda(self):
        # Directly and while a graph is recorded; a graph has no faults of later steps.
        for faults, options in ((["nan@1", "kernel@1", "kernel@0"], []),
                                (["nan@2", "kernel@2", "kernel@0"], ["--no-graph"])):
            self.check(1, faults, ["found the loss nan", "CUDA_ERROR_LAUNCH_FAILED"],
                       *options, variant="gpu-")

    def test_cuda_of_two_ranks(self):
        for transport in "mpi", "nccl":
            self.check(2, ["nan@1", "nan@0"], ["found the loss nan"],
                       "--transport", transport, variant="gpu-")
            # The other rank waits for its device.
            self.check(2, ["twice@0", "forget@0"], ["started twice without a wait"],
                       "--transport", transport, "--no-graph", variant="gpu-")


if __name__ == "__main__":
    unittest.main(verbosity=2)
