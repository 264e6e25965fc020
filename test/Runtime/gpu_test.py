"""Programs for GPUs where no GPU is: on the emulated device, and on libraries
that stand in for CUDA's (FakeGPU)."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

from support import Case, environment, mpirun, program, run

FAKE = sys.argv.pop(1) if len(sys.argv) > 1 else "build/test/Runtime/fake-gpu"


class Gpu(Case):
    def start(self, ranks, *options, libraries=FAKE, steps=5, data=None, **variables):
        command = [program(f"pprt-fake-gpu-{ranks}"), "--data", data or self.data,
                   "--steps", steps, *options]
        paths = [libraries, os.environ.get("LD_LIBRARY_PATH", "")]
        variables.setdefault("FAKE_NCCL_DIR", self.directory)
        variables["LD_LIBRARY_PATH"] = ":".join(path for path in paths if path)
        start = mpirun if ranks > 1 else lambda _, command, **more: run(command, **more)
        return start(ranks, command, **variables)

    def weights(self, ranks, *options, **more):
        """Saved weights of a run, and its losses."""
        self.runs = getattr(self, "runs", 0) + 1
        save, metrics = self.path(f"save{self.runs}"), self.path(f"m{self.runs}.jsonl")
        self.result = self.assertFine(
            self.start(ranks, *options, "--save", save, "--metrics", metrics, **more))
        with open(metrics) as file:
            losses = [(json.loads(line)["loss"], json.loads(line)["grad_norm"])
                      for line in file]
        with open(os.path.join(save, "model.safetensors"), "rb") as file:
            return file.read(), losses

    def assertError(self, result, *parts):
        self.assertNotEqual(result.code, 0, str(result))
        self.assertLess(result.seconds, 40, str(result))
        for part in parts:
            self.assertIn(part, result.err, str(result))


class Training(Gpu):
    def test_same_bits_everywhere(self):
        reference = self.weights(1, "--device", "emulated")
        self.assertIn("device: emulated on the host", self.result.out)
        for ranks in (2, 4):
            self.assertEqual(self.weights(ranks, "--device", "emulated"), reference)
        for ranks in (1, 2, 4):
            self.assertEqual(self.weights(ranks), reference)
            self.assertIn("steps as graphs", self.result.out)
            self.assertEqual(self.weights(ranks, "--no-graph"), reference)
            self.assertIn("steps without graphs", self.result.out)
        self.assertEqual(self.weights(4, "--transport", "mpi"), reference)
        self.assertIn("transfers by mpi, steps without graphs", self.result.out)

    def test_close_to_the_cpu(self):
        metrics = self.path("cpu.jsonl")
        self.assertFine(self.fake(1, "--metrics", metrics))
        with open(metrics) as file:
            cpu = [json.loads(line) for line in file]
        _, gpu = self.weights(2)
        for expected, (loss, norm) in zip(cpu, gpu):
            self.assertAlmostEqual(loss, expected["loss"], delta=1e-6)
            self.assertAlmostEqual(norm, expected["grad_norm"], delta=1e-6)

    def test_sgd(self):
        sgd = ["--optimizer", "sgd", "--lr", "0.1"]
        self.assertEqual(self.weights(2, *sgd), self.weights(1, *sgd))

    def test_load(self):
        first, _ = self.weights(2)
        again, _ = self.weights(2, "--load", self.path("save1"), "--lr", "1e-30",
                                "--weight-decay", "0")
        self.assertEqual(again, first)

    def test_shared_gpu(self):
        self.weights(2, FAKE_CUDA_DEVICES="1")
        self.assertIn("transfers by mpi", self.result.out)

    def test_timeline(self):
        for options in ([], ["--no-graph"]):
            trace = self.path("trace.json")
            self.assertFine(self.start(2, "--trace", trace, *options))
            with open(trace) as file:
                events = json.load(file)
            events = events["traceEvents"] if isinstance(events, dict) else events
            names = [event.get("name", "") for event in events]
            # 5 steps of 4 micro-batches and 4 stages.
            for kind in ("forward", "backward"):
                self.assertEqual(sum(kind in name for name in names), 80, names)

    def test_kernel_times(self):
        reference = self.weights(1)
        for device in ([], ["--device", "emulated"]):
            times = self.path("kernels.json")
            self.assertEqual(self.weights(1, "--kernel-times", times, *device), reference)
            with open(times) as file:
                found = json.load(file)
            # The first of 5 steps does not count.
            self.assertEqual(found["steps"], 4)
            self.assertGreater(found["device_bytes"], 0)
            self.assertGreater(found["copy_bytes_per_second"], 0)
            kernels = {kernel["name"]: kernel for kernel in found["kernels"]}
            # 4 stages and 4 micro-batches.
            self.assertEqual(kernels["forward"]["calls"], 4 * 16)
            for kernel in kernels.values():
                self.assertGreater(kernel["calls"], 0)
                self.assertGreaterEqual(kernel["seconds"], 0)
            # Of each parameter, that is read thrice more and written thrice.
            update, norm = kernels["adamw"], kernels["sum_of_squares"]
            self.assertEqual(update["calls"], norm["calls"])
            self.assertEqual(update["bytes"], 7 * norm["bytes"])
        # A file for each rank.
        self.assertEqual(self.weights(2, "--kernel-times", self.path("two")), reference)
        for name in ("two", "two.1"):
            with open(self.path(name)) as file:
                self.assertTrue(json.load(file)["kernels"])

    def test_calls_of_a_graph(self):
        log = self.path("calls")
        self.assertFine(self.start(1, FAKE_CUDA_LOG=log))
        with open(log) as file:
            calls = file.read().split()
        self.assertEqual(calls.count("cuStreamBeginCapture"), 1)
        self.assertEqual(calls.count("cuGraphInstantiate"), 1)
        self.assertEqual(calls.count("cuGraphLaunch"), 4)
        # The step runs directly, is recorded, and then not enqueued any more.
        launches = [i for i, call in enumerate(calls) if call == "cuLaunchKernel"]
        begin = calls.index("cuStreamBeginCapture")
        end = calls.index("cuStreamEndCapture")
        self.assertTrue(launches and all(i < end for i in launches))
        direct = sum(i < begin for i in launches)
        self.assertEqual(2 * direct, len(launches))
        # One arena and one block of keys.
        self.assertEqual(calls.count("cuMemAlloc"), 2)
        # Nothing is made while a graph is recorded.
        self.assertFalse({"cuMemAlloc", "cuMemHostAlloc"} & set(calls[begin:end]))


class Communicators(Gpu):
    def test_collectives(self):
        """Collectives of all kinds over groups of 2 and 4."""
        for ranks in 2, 4:
            for transport in "nccl", "mpi":
                result = mpirun(ranks, [program("pprt-device-communicator-test"), transport],
                                LD_LIBRARY_PATH=FAKE, FAKE_NCCL_DIR=self.directory)
                self.assertFine(result)
                self.assertEqual(result.out.count("all collectives are right"), ranks,
                                 str(result))


class Comparison(Gpu):
    """Programs that compare what libraries compute with HostMath."""

    def compare(self, name, *arguments, libraries=FAKE, **variables):
        paths = [libraries, os.environ.get("LD_LIBRARY_PATH", "")]
        variables["LD_LIBRARY_PATH"] = ":".join(path for path in paths if path)
        self.log = self.path("calls")
        if os.path.exists(self.log):
            os.remove(self.log)
        return run([program(name), *arguments], FAKE_CUDA_LOG=self.log, **variables)

    def calls(self):
        with open(self.log) as file:
            return file.read().splitlines()

    def refused(self):
        return [call for call in self.calls() if call.startswith("refused")]


class Attention(Comparison):
    """Of cuDNN: batch, heads, heads of keys, queries, keys, elements of a head."""
    SHAPES = ["2,4,4,8,8,16", "2,4,4,8,8,16,causal", "2,4,2,8,8,16,causal", "1,6,1,12,20,8,gap=8",
              "1,6,2,20,12,24", "1,2,2,33,33,64,causal,shift=8", "1,3,3,130,130,128,causal",
              "2,2,1,64,64,256,causal"]

    def attention(self, mode, *cases, fine=True, **variables):
        result = self.compare("pprt-attention-test", mode, *cases, **variables)
        return self.assertFine(result) if fine else result

    def count(self, call):
        return self.calls().count(call)

    def test_all_shapes(self):
        result = self.attention("cudnn", *self.SHAPES)
        self.assertIn(f"{len(self.SHAPES)} cases, 0 of them wrong", result.out)
        self.assertNotIn("note:", result.err)
        self.assertFalse(self.refused())
        # Each case is run twice, forward and backward, by one plan each.
        self.assertEqual(self.count("cudnnBackendExecute"), 4 * len(self.SHAPES))
        self.assertEqual(self.count("cudnnSetStream"), 4 * len(self.SHAPES))
        self.assertNotIn("cuLaunchKernel", self.calls())

    def test_older_version(self):
        """Before 9.10 what is masked is the least number, not infinity."""
        shapes = ["1,2,2,128,128,16,causal", "1,2,1,128,128,16"]
        self.attention("cudnn", *shapes, FAKE_CUDNN="version=90100")
        self.assertFalse(self.refused())

    def test_generated(self):
        result = self.attention("generated", *self.SHAPES[:3])
        self.assertNotIn("note:", result.err)
        self.assertFalse([call for call in self.calls() if call.startswith("cudnn")])
        # f32 is none of cuDNN's: it is not even opened.
        result = self.attention("auto", "2,4,4,8,8,16,f32")
        self.assertNotIn("note:", result.err)
        self.assertFalse([call for call in self.calls() if call.startswith("cudnn")])
        self.assertError(self.attention("cudnn", "2,4,4,8,8,16,f32", fine=False),
                         "it is of f32, cuDNN's is of bf16", "--attention=auto")

    def leaves(self, case, reason, forwards=0, **variables):
        """auto leaves a case to generated kernels, cudnn does not."""
        result = self.attention("auto", case, **variables)
        self.assertIn(reason, result.err)
        self.assertIn("it runs by generated kernels", result.err)
        self.assertEqual(self.count("cudnnBackendExecute"), forwards)
        # Two launches of a backward and one of a forward, each twice; said once.
        self.assertEqual(self.count("cuLaunchKernel"), 4 if forwards else 6)
        self.assertEqual(result.err.count("note:"), 1 if forwards else 2)
        self.assertError(self.attention("cudnn", case, fine=False, **variables), reason,
                         "found no plan of cuDNN for the", "expected one: run with")

    def test_shapes_without_plan(self):
        self.leaves("2,4,4,8,8,12", "heads of 12, it takes multiples of 8 up to 256")
        self.leaves("2,1,1,8,8,264", "heads of 264")
        self.leaves("2,4,4,8,8,136", "multiples of 8 up to 128", FAKE_CUDA_CAPABILITY="80")
        self.leaves("1,2,2,4,8,8,causal", "a causal mask over 4 queries and 8 keys")
        self.leaves("2,2,2,1,8,8", "a sequence of one position")
        self.leaves("2,4,4,8,8,16,gap=4", "rows of 68 elements, it takes multiples of 8")
        self.leaves("2,4,4,8,8,16,shift=4", "a matrix that is not aligned to 16")

    def test_machines_without_plan(self):
        case = self.SHAPES[2]
        self.leaves(case, "version 9.10.1, use 9.10.2 or newer", FAKE_CUDNN="version=91001")
        # Its forward is as it is elsewhere, and both know the same statistics.
        self.leaves(case, "before 9.15.1 it takes multiples of 128", forwards=2,
                    FAKE_CUDNN="version=91500")
        self.leaves(case, "where its backward is not known to give the same bits", forwards=2,
                    FAKE_CUDA_CAPABILITY="100", FAKE_CUDNN="version=91700")
        self.leaves("1,2,1,128,128,16,any-order", "version 9.5.0, which wants sums of dq cleared", forwards=2,
                    FAKE_CUDNN="version=90500")

    def engines(self):
        return [call for call in self.calls() if call.startswith("engine: ")]

    def test_forms(self):
        """Of the backward: with f32 sums of dq in memory, or without."""
        forward = "engine: 1"
        for case in self.SHAPES:
            self.attention("cudnn", case)
            self.assertEqual(self.engines(), [forward, "engine: 1"] * 2)
            self.attention("cudnn", case + ",any-order")
            self.assertEqual(self.engines(), [forward, "engine: 1 with sums of dq"] * 2)
        self.assertFalse(self.refused())
        case = self.SHAPES[2]
        # In a fixed order on sm_100, by an engine with its knobs.
        for version in (91900, 92500):
            self.attention("cudnn", case, FAKE_CUDA_CAPABILITY="100",
                           FAKE_CUDNN=f"version={version}")
            self.assertEqual(self.engines(), [forward, "engine: 5"] * 2)
        self.assertFalse(self.refused())
        # From 9.25 on sm_90 has sums of dq in a fixed order; dS is kept where there is room.
        fake = "version=92500,scores=1000000"
        self.attention("cudnn", case, FAKE_CUDNN="version=92500")
        self.assertEqual(self.engines(), [forward, "engine: 1"] * 2)
        self.attention("cudnn", case + ",cudnn=92500,chip=90", FAKE_CUDNN=fake)
        self.assertEqual(self.engines(), [forward, "engine: 6 with sums of dq"] * 2)
        self.leaves(case, "a plan that needs a workspace of", forwards=2,
                    FAKE_CUDNN="version=91900,scores=1000000")

    def test_engines(self):
        case = self.SHAPES[2]
        # One that gives other bits each time comes first, and is passed over.
        self.attention("cudnn", case, FAKE_CUDNN="nondeterministic")
        self.leaves(case, "no engine for it", FAKE_CUDNN="none")
        self.leaves(case, "CUDNN_STATUS_NOT_SUPPORTED (an engine that does not take it)",
                    FAKE_CUDNN="refuse")
        self.leaves(case, "a plan that needs a workspace of 5000256 bytes, 512 are there",
                    FAKE_CUDNN="workspace=5000000")
        self.attention("cudnn", case + ",any-order", FAKE_CUDNN="workspace=256")

    def test_status(self):
        fails = {"FAKE_CUDA_FAIL": "cudnnCreate@0"}
        result = self.attention("auto", self.SHAPES[0], **fails)
        self.assertIn("note: found CUDNN_STATUS_EXECUTION_FAILED from cudnnCreate", result.err)
        self.assertIn("attention runs by generated kernels", result.err)
        self.assertError(self.attention("cudnn", self.SHAPES[0], fine=False, **fails),
                         "found CUDNN_STATUS_EXECUTION_FAILED from cudnnCreate",
                         "--attention=generated")
        for call in ("cudnnBackendCreateDescriptor", "cudnnBackendSetAttribute",
                     "cudnnBackendFinalize", "cudnnBackendGetAttribute", "cudnnSetStream",
                     "cudnnBackendExecute"):
            self.assertError(self.attention("auto", self.SHAPES[0], fine=False,
                                            FAKE_CUDA_FAIL=f"{call}@0"),
                             f"found CUDNN_STATUS_EXECUTION_FAILED from {call}, expected it to")

    def test_wrong_cases(self):
        for case, part in (("2,4,3,8,8,16", "found 4 heads and 3 of keys"),
                           ("2,4,0,8,8,16", "found 0 in the case"),
                           ("2,4", "expected six numbers")):
            self.assertError(self.attention("auto", case, fine=False), part)
        self.assertError(self.attention("other", self.SHAPES[0], fine=False),
                         "found 'other', expected auto, cudnn or generated")

    def test_no_library(self):
        only = self.path("only")
        os.mkdir(only)
        shutil.copy(os.path.join(FAKE, "libcuda.so.1"), only)
        # A broken file keeps the system's from being found.
        with open(os.path.join(only, "libcudnn.so.9"), "w") as file:
            file.write("no library")
        result = self.attention("auto", *self.SHAPES[:2], libraries=only)
        self.assertEqual(result.err.count("note: found no cuDNN 9"), 1, str(result))
        self.assertIn("libcudnn9-cuda-13", result.err)
        self.assertIn("attention runs by generated kernels", result.err)
        self.assertError(self.attention("cudnn", self.SHAPES[0], fine=False, libraries=only),
                         "found no cuDNN 9", "--attention=generated")


class Gemm(Comparison):
    """Of cuBLASLt; pprt-gemm-test compares them with the emulated device's."""

    def products(self, *arguments, **variables):
        return self.compare("pprt-gemm-test", *arguments, **variables)

    def test_all_forms(self):
        result = self.assertFine(self.products("all"))
        # Three types with 8 forms of 7 epilogues and 8 batches, f64 with 16; four forms
        # with something added, each with bias and without, f64 without; six that lie
        # behind others, three small.
        count = 3 * (8 * 7 + 8 + 8) + 16 + 4 + 6 + 3
        self.assertIn(f"{count} products, 0 of them wrong", result.out)
        self.assertFalse(self.refused())
        self.assertNotIn("cuLaunchKernel", self.calls())

    def test_plans_are_kept(self):
        self.assertFine(self.products("one", "3"))
        self.assertEqual(self.calls().count("cublasLtMatmulAlgoGetHeuristic"), 1)
        self.assertEqual(self.calls().count("cublasLtMatmul"), 2)

    def test_without_epilogues(self):
        """What the library has no plan for is done by kernels, after the product."""
        refused = "4,160,164,192,208,256,512"
        self.assertFine(self.products("f32-sums", FAKE_LT_REFUSE=refused))
        self.assertError(self.products("all", FAKE_LT_REFUSE=refused),
                         "found no plan of cuBLASLt and no kernel for the epilogue 5")
        self.assertFine(self.products("one", "3", FAKE_LT_REFUSE=refused))
        self.assertEqual(self.calls().count("cublasLtMatmulAlgoGetHeuristic"), 2)
        self.assertEqual(self.calls().count("cuLaunchKernel"), 2)
        # The rule of the library, not of the test: rows of 8 elements.
        self.assertFine(self.products("one", "2", "28"))
        self.assertIn("refused: an auxiliary leading dimension of 28", self.calls())
        self.assertEqual(self.calls().count("cuLaunchKernel"), 2)

    def test_no_plan(self):
        self.assertError(self.products("one", "3", FAKE_LT_REFUSE="1,164"),
                         "found no plan of cuBLASLt for a product of 5 x 7 and 7 x 24 of f32",
                         "workspace 1048576 bytes", "CUBLAS_STATUS_NOT_SUPPORTED",
                         "use a newer cuBLAS")

    def test_status(self):
        self.assertError(self.products("one", "0", FAKE_CUDA_FAIL="cublasLtMatmul@1"),
                         "found CUBLAS_STATUS_EXECUTION_FAILED from cublasLtMatmul, "
                         "expected it to succeed")

    def test_no_library(self):
        only = self.path("only")
        os.mkdir(only)
        shutil.copy(os.path.join(FAKE, "libcuda.so.1"), only)
        # Broken files keep the system's from being found.
        for version in (12, 13):
            with open(os.path.join(only, f"libcublasLt.so.{version}"), "w") as file:
                file.write("no library")
        self.assertError(run([program("pprt-gemm-test"), "one", "0"],
                             LD_LIBRARY_PATH=only),
                         "found no cuBLASLt", "libcublas-13-0")


class Plans(Comparison):
    """Of libraries, kept in PPRT_CACHE_DIR."""
    CASE = Attention.SHAPES[2]

    def setUp(self):
        super().setUp()
        self.folder = self.path("plans")

    def both(self, folder=None, **variables):
        """Attention (forward and backward) and a product; their output, and what the
        libraries were asked."""
        variables["PPRT_CACHE_DIR"] = self.folder if folder is None else folder
        self.asked, self.restored, err = 0, 0, ""
        for command in (["pprt-attention-test", "auto", self.CASE], ["pprt-gemm-test", "one", "3"]):
            result = self.assertFine(self.compare(*command, **variables))
            # Sanitizers say something of their own.
            err += "".join(line for line in result.err.splitlines(True)
                           if not line.startswith("=="))
            calls = self.calls()
            self.asked += calls.count("asked: heuristics") + calls.count("cublasLtMatmulAlgoGetHeuristic")
            self.restored += calls.count("plan: restored") + calls.count("cublasLtMatmulAlgoCheck")
        return err

    def files(self):
        """Contents by name."""
        found = {}
        for name in os.listdir(self.folder):
            with open(os.path.join(self.folder, name), "rb") as file:
                found[name] = file.read()
        return found

    def test_without_folder(self):
        before = set(os.listdir(self.directory))
        for _ in range(2):
            self.assertEqual(self.both(folder=""), "")
            self.assertEqual((self.asked, self.restored), (3, 0))
        self.assertEqual(set(os.listdir(self.directory)) - before, {"calls"})

    def test_second_start(self):
        self.assertEqual(self.both(), "")
        self.assertEqual((self.asked, self.restored), (3, 0))
        first = self.files()
        self.assertEqual(len(first), 3)
        self.assertEqual(self.both(), "")
        self.assertEqual((self.asked, self.restored), (0, 3))
        self.assertEqual(self.files(), first)
        # The choice is the same wherever it is made.
        self.folder = self.path("other")
        self.both()
        self.assertEqual(self.files(), first)

    def test_all_shapes(self):
        shapes = [shape + order for shape in Attention.SHAPES for order in ("", ",any-order")]
        logs = []
        for _ in range(2):
            for command in (["pprt-attention-test", "cudnn", *shapes], ["pprt-gemm-test", "all"]):
                result = self.assertFine(self.compare(*command, PPRT_CACHE_DIR=self.folder))
                self.assertNotIn("note:", result.err)
                self.assertFalse(self.refused())
                logs.append(self.calls())
        engines = [[call for call in log if call.startswith("engine: ")] for log in logs]
        self.assertEqual(engines[0], engines[2])
        self.assertNotIn("asked: heuristics", logs[2])
        self.assertNotIn("cublasLtMatmulAlgoGetHeuristic", logs[3])

    def test_engine_by_number(self):
        """With sums of dq, which the plan's owner has to know of."""
        case = self.CASE + ",cudnn=92500,chip=90"
        for _ in range(2):
            self.assertFine(self.compare("pprt-attention-test", "cudnn", case, PPRT_CACHE_DIR=self.folder,
                                         FAKE_CUDNN="version=92500,scores=1000000"))
            self.assertEqual([call for call in self.calls() if call.startswith("engine: ")],
                             ["engine: 1", "engine: 6 with sums of dq"] * 2)
        self.assertIn("plan: restored", self.calls())

    def test_refusals(self):
        """What a library has no plan for is not asked for again."""
        variables = {"FAKE_CUDNN": "refuse", "FAKE_LT_REFUSE": "164"}
        first = self.both(**variables)
        self.assertIn("(an engine that does not take it)", first)
        self.assertGreater(self.asked, 3)
        self.assertEqual(self.both(**variables), first)
        self.assertEqual((self.asked, self.restored), (0, 1))
        self.assertEqual(self.calls().count("cuLaunchKernel"), 2)

    def test_refusals_that_may_be_mended(self):
        self.assertIn("PREREQUISITE_MISSING", self.both(FAKE_CUDNN="mendable"))
        self.assertEqual(len(self.files()), 1)
        self.assertEqual(self.both(), "")
        self.assertEqual((self.asked, self.restored), (2, 1))

    def test_plans_without_json(self):
        for restored in (0, 1):
            self.assertEqual(self.both(FAKE_CUDNN="unwritten"), "")
            self.assertEqual((self.asked, self.restored), (3 - restored, restored))
        self.assertEqual(len(self.files()), 1)

    def test_other_versions(self):
        self.both()
        for count, variables in enumerate(({"FAKE_CUDNN": "version=91901"}, {"FAKE_LT_VERSION": "130101"},
                                           {"FAKE_CUDA_CAPABILITY": "80"}), 1):
            self.assertEqual(self.both(**variables), "")
            self.assertGreater(self.asked, 0)
            self.assertEqual(self.both(**variables), "")
            self.assertEqual((self.asked, self.restored), (0, 3))
        self.assertEqual(self.both(), "")
        self.assertEqual((self.asked, self.restored), (0, 3))

    def test_broken_files(self):
        self.both()
        good = self.files()
        names = sorted(good)

        def breaks(change, reason):
            for name, other in zip(names, names[1:] + names[:1]):
                with open(os.path.join(self.folder, name), "wb") as file:
                    file.write(change(good[name], good[other]))
            err = self.both()
            self.assertEqual(err.count(f"note: found {reason}"), 3, err)
            self.assertEqual(err.count("expected a plan: it is made anew"), 3, err)
            self.assertEqual(self.asked, 3)
            self.assertEqual(self.files(), good)

        def forged(plan):
            """A whole file with the key of `text` and another plan."""
            def change(text, _):
                title, sizes, rest = text.split(b"\n", 2)
                key = rest[:int(sizes.split()[0])]
                value = 14695981039346656037
                for byte in key + plan:
                    value = (value ^ byte) * 1099511628211 % 2**64
                head = b"%s\n%d %d %016x\n" % (title, len(key), len(plan), value)
                return head + key + plan
            return change

        breaks(lambda text, _: b"", "another kind of file at '")
        breaks(lambda text, _: text[:8], "another kind of file")
        breaks(lambda text, _: b"\x7fELF" + text, "another kind of file")
        breaks(lambda text, _: text.replace(b"plan 1", b"plan 9", 1), "another kind of file")
        breaks(lambda text, _: text[:-1], "a file that is not whole")
        breaks(lambda text, _: text[:60], "a file that is not whole")
        breaks(lambda text, _: text + b" ", "a file that is not whole")
        breaks(lambda text, _: text[:-1] + b"?", "a file that was changed")
        breaks(lambda text, other: other, "the plan of something else")
        for plan in (b"", b"plan 0 1\n{}", b"plan 0 1\n{\"cudnnVersion\":9}", b"1 1 2 3 4 5 6 7 8"):
            breaks(forged(plan), "a")
        for name in names:
            os.remove(os.path.join(self.folder, name))
            os.mkfifo(os.path.join(self.folder, name))
        self.assertEqual(self.both().count("found no file that can be read at '"), 3)
        self.assertEqual(self.files(), good)

    def test_folder_that_cannot_be_written(self):
        with open(self.path("file"), "w"):
            pass
        for folder in ("/proc", self.path("file"), self.path("file/below"), self.path("none/below")):
            err = self.both(folder)
            # Each of the two programs says it once.
            self.assertEqual(err.count("note: "), 2, err)
            self.assertEqual(err.count(f"note: found '{folder}' in PPRT_CACHE_DIR ("), 2, err)
            self.assertIn("expected a folder that can be written: plans are not kept", err)
            self.assertEqual((self.asked, self.restored), (3, 0))

    def test_many_at_once(self):
        shapes = Attention.SHAPES[:4]
        variables = environment(PPRT_CACHE_DIR=self.folder, LD_LIBRARY_PATH=FAKE)
        started = [subprocess.Popen([program("pprt-attention-test"), "cudnn", *shapes], env=variables,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                   for _ in range(8)]
        for process in started:
            self.assertEqual((process.communicate()[1], process.returncode), ("", 0))
        self.assertTrue(all(name.endswith(".plan") for name in os.listdir(self.folder)))
        result = self.compare("pprt-attention-test", "cudnn", *shapes, PPRT_CACHE_DIR=self.folder)
        self.assertEqual((result.err, result.code), ("", 0))
        self.assertNotIn("asked: heuristics", self.calls())


class Failures(Gpu):
    def test_no_driver(self):
        empty = self.path("none")
        os.mkdir(empty)
        if os.path.exists("/dev/nvidiactl"):
            self.skipTest("there is a driver here")
        self.assertError(self.start(1, libraries=empty), "found no NVIDIA driver",
                         "install the driver", "--target=cpu")

    def test_folders_of_libraries(self):
        """Where CUDA's libraries are found that the loader does not know."""
        driver = self.path("driver")
        os.mkdir(driver)
        shutil.copy(os.path.join(FAKE, "libcuda.so.1"), driver)
        self.assertFine(self.start(1, libraries="", PPRT_CUDA_PATH=f"/nowhere:{FAKE}"))
        # As pip installs them.
        environment = self.path("environment")
        wheel = os.path.join(environment, "lib/python3.12/site-packages/nvidia/cu13/lib")
        os.makedirs(os.path.dirname(wheel))
        os.symlink(os.path.abspath(FAKE), wheel)
        command = [program("pprt-fake-gpu-1"), "--data", self.data, "--steps", 1]
        variables = dict(FAKE_NCCL_DIR=self.directory, LD_LIBRARY_PATH="",
                         PPRT_CUDA_PATH=None, VIRTUAL_ENV=environment)
        self.assertFine(run(command, **variables))

    def test_no_gpu(self):
        self.assertError(self.start(1, FAKE_CUDA_DEVICES="0"), "found no GPU",
                         "CUDA_VISIBLE_DEVICES")

    def test_no_nccl(self):
        only = self.path("only")
        os.mkdir(only)
        shutil.copy(os.path.join(FAKE, "libcuda.so.1"), only)
        # A broken file is as good as none, and keeps the system's from being found.
        with open(os.path.join(only, "libnccl.so.2"), "w") as file:
            file.write("no library")
        self.assertError(self.start(2, libraries=only), "found no NCCL", "libnccl2",
                         "--transport=mpi")
        self.assertFine(self.start(2, "--transport", "mpi", libraries=only))

    def test_old_driver(self):
        only = self.path("old")
        os.mkdir(only)
        shutil.copy(os.path.join(FAKE, "libnccl.so.2"), os.path.join(only, "libcuda.so.1"))
        # It needs the real stand-in by its name: a library without cuInit is not it.
        self.assertError(self.start(1, libraries=only), "NVIDIA driver", "install the driver")

    def test_other_chip(self):
        self.assertError(self.start(1, FAKE_CUDA_CAPABILITY="75"),
                         "found a GPU of sm_75 and code for sm_90a (PTX), sm_80 (PTX)",
                         "--chip=sm_75")
        # On sm_90 the better image is broken, the next one is taken.
        self.assertFine(self.start(1, FAKE_CUDA_CAPABILITY="90"))

    def test_code_that_does_not_load(self):
        self.assertError(self.start(1, FAKE_CUDA_FAIL="cuModuleGetFunction@0"),
                         "cuModuleGetFunction of 'load'")
        self.assertError(self.start(1, FAKE_CUDA_FAIL="cuModuleLoadDataEx@1"),
                         "CUDA_ERROR_INVALID_PTX for sm_90a PTX: line 1: syntax error",
                         "sm_80 PTX", "update the driver")

    def test_out_of_memory(self):
        result = self.start(2, FAKE_CUDA_FREE="1000")
        self.assertError(result, "rank 0: found 1000 bytes free on the device",
                         "rank 1: found 1000 bytes", "planned", "--recompute=full")
        self.assertNotIn("step 1/", result.out)

    def test_launch(self):
        # In a forward, in the warm-up step: 4 launches of stages, one of data.
        result = self.start(1, FAKE_CUDA_FAIL="cuLaunchKernel@3")
        self.assertError(result, "CUDA_ERROR_LAUNCH_FAILED", "the launch of 'forward'",
                         "in step 0 of F 'stage2.forward', stage 2, micro-batch 0")
        self.assertEqual(result.err.count("error:"), 1, str(result))

    def test_kernel(self):
        for device in ([], ["--device", "emulated"]):
            result = self.start(1, *device, "--no-graph", FAKE_FAULT="kernel@2")
            self.assertError(result, "barrier", "in step 2")

    def test_other_rank(self):
        """An error on one rank ends the others, which wait on their devices."""
        result = self.start(4, "--no-graph", "--device", "emulated", FAKE_FAULT="kernel@2")
        self.assertError(result, "barrier")
        result = mpirun(1, ["-x", f"LD_LIBRARY_PATH={FAKE}", "-x", "FAKE_CUDA_FAIL=cuLaunchKernel@40",
                            program("pprt-fake-gpu-2"), "--data", self.data, "--steps", 5,
                            ":", "-n", 1, "-x", f"LD_LIBRARY_PATH={FAKE}",
                            program("pprt-fake-gpu-2"), "--data", self.data, "--steps", 5],
                        FAKE_NCCL_DIR=self.directory)
        self.assertError(result, "rank 0: found CUDA_ERROR_LAUNCH_FAILED")
        self.assertNotIn("longer than", result.err)

    def test_signal_ends_after_a_step(self):
        for options in ([], ["--no-graph"], ["--transport", "mpi"]):
            where = self.path("w" + "".join(options))
            process, ranks = self.long_run(2, *options, "--save", where, name="pprt-fake-gpu",
                                           LD_LIBRARY_PATH=FAKE, FAKE_NCCL_DIR=self.directory)
            os.kill(ranks[-1], signal.SIGTERM)
            _, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 128 + signal.SIGTERM, err)
            done = int(err.split("interrupted by SIGTERM after ")[1].split()[0])
            with open(f"{where}/model.safetensors", "rb") as file:
                self.assertEqual(
                    file.read(), self.weights(1, "--decay", 100000000, steps=done)[0])

    def test_nan(self):
        for options in ([], ["--no-graph"], ["--device", "emulated"]):
            result = self.start(2, *options, FAKE_FAULT="nan@1")
            self.assertError(result, "found the loss nan in micro-batch 0 of step 1",
                             "nothing was updated")

    def test_stuck_transfer(self):
        # Sends that connect are counted too: the first step works.
        result = self.start(2, "--timeout", "2", FAKE_NCCL_STUCK="7")
        self.assertError(result, "found a step that takes longer than 2 s",
                         "unfinished: ", "micro-batch ",
                         "on the edge from rank", "--timeout")

        # Messages of the all-reduce of losses and norms as well.
        result = self.start(2, "--timeout", "2", FAKE_NCCL_STUCK="6")
        self.assertError(result, "found a step that takes longer than 2 s",
                         "unfinished: an all_reduce of 18 f64 over pipe on rank")

    def test_channels(self):
        """Transfers that wait hold few multiprocessors; the user has the last word."""
        for number, variables in (("4", {}), ("8", {"NCCL_MAX_P2P_NCHANNELS": "8"})):
            log = self.path(f"calls{number}")
            self.assertFine(self.start(2, FAKE_CUDA_LOG=log, **variables))
            with open(log) as file:
                self.assertIn(f"channels: {number}", file.read().splitlines())

    def test_stuck_connection(self):
        result = self.start(2, "--timeout", "2", FAKE_NCCL_STUCK_INIT="1")
        self.assertError(result, "found no connection by NCCL on the edge from rank 0 to rank 1 "
                         "within 2 s", "--timeout")
        self.assertLess(result.seconds, 20)
        result = self.start(2, FAKE_CUDA_FAIL="ncclCommInitRank@1")
        self.assertError(result, "from ncclCommInitRank on the edge from rank 1 to rank 0")

    def test_nccl_error(self):
        result = self.start(2, FAKE_CUDA_FAIL="ncclSend@3")
        self.assertError(result, "'unhandled system error (run with NCCL_DEBUG=INFO for details)' from "
                         "ncclSend on the edge from rank",
                         "NCCL_DEBUG=WARN", "micro-batch 1")
        # While a transfer never ends, the host asks again and again.
        result = self.start(2, FAKE_CUDA_FAIL="ncclCommGetAsyncError@9", FAKE_NCCL_STUCK="7")
        self.assertError(result, "remote process exited", "--transport=mpi")

    def test_graph(self):
        self.assertError(self.start(1, FAKE_CUDA_FAIL="cuGraphInstantiate@0"),
                         "from cuGraphInstantiate")

    def test_options(self):
        self.assertError(self.start(1, "--device", "tpu"), "found --device tpu",
                         "cuda or emulated")
        self.assertError(self.start(1, "--transport", "tcp"), "found --transport tcp",
                         "auto, nccl or mpi")
        self.assertError(self.start(1, "--transport", "nccl", "--device", "emulated"),
                         "NCCL needs GPUs")
        self.assertError(self.start(1, "--attention", "flash"), "found --attention flash",
                         "auto, cudnn or generated")
        self.assertError(self.start(1, "--attention", "cudnn", "--device", "emulated"),
                         "cuDNN needs GPUs")
        self.assertError(self.start(1, "--device", "emulated", "--emulate"),
                         "found --emulate with a program for GPUs", "--target=cpu")
        self.assertError(self.start(1, "--profile-out", self.path("p.json")),
                         "found --profile-out with a program for GPUs", "--timeline")
        self.assertError(self.start(1, "--kernel-times", self.path("k"), steps=1),
                         "found --kernel-times with --steps 1", "at least 2 steps")
        self.assertError(self.start(1, "--kernel-times", self.path("none/k")), "none/k")
        # Programs for CPUs do not know them.
        self.assertError(self.fake(1, "--device", "cuda"), "--help lists")


if __name__ == "__main__":
    unittest.main(verbosity=2)
