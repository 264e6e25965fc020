"""Hand-made programs from the command line to the saved weights."""
import json
import os
import re
import struct
import unittest
import xml.dom.minidom

from support import SANITIZED, Case


class Training(Case):
    def test_same_bits_for_every_number_of_ranks(self):
        for optimizer in ("adamw", "sgd"):
            losses, weights = [], []
            for ranks in (1, 2, 4):
                self.assertFine(self.fake(
                    ranks, "--optimizer", optimizer, "--clip", "0.01", "--warmup", 3,
                    "--steps", 20, "--lr", "1e-2", "--seed", 3, "--quiet",
                    "--metrics", self.path("m.jsonl"), "--save", self.path("weights")))
                weights.append(self.read("weights/model.safetensors"))
                lines = [json.loads(line) for line in self.read("m.jsonl").splitlines()]
                losses.append([(x["step"], x["loss"], x["grad_norm"], x["lr"]) for x in lines])
                self.assertEqual([x["step"] for x in lines], list(range(20)))
            self.assertEqual(losses[0], losses[1])
            self.assertEqual(losses[0], losses[2])
            self.assertEqual(weights[0], weights[1])
            self.assertEqual(weights[0], weights[2])
            # Clipping was on, and something was learnt.
            self.assertGreater(losses[0][0][2], 0.01)
            self.assertLess(losses[0][-1][1], losses[0][0][1])

    def test_loading_continues_from_the_saved_weights(self):
        self.assertFine(self.fake(1, "--save", self.path("a"), "--steps", 3))
        self.assertFine(self.fake(2, "--load", self.path("a"), "--save", self.path("b"),
                                  "--steps", 1, "--lr", "1e-30", "--weight-decay", 0))
        self.assertEqual(self.read("a/model.safetensors"), self.read("b/model.safetensors"))
        header_bytes = struct.unpack("<Q", self.read("a/model.safetensors")[:8])[0]
        header = json.loads(self.read("a/model.safetensors")[8:8 + header_bytes])
        self.assertEqual(list(header)[1:3], ["stage0.scale", "stage0.shift"])
        self.assertEqual(header["stage1.shift"]["shape"], [2, 8])

    def test_seed_decides(self):
        saved = []
        for seed in (1, 1, 2):
            self.assertFine(self.fake(1, "--seed", seed, "--save", self.path("w")))
            saved.append(self.read("w/model.safetensors"))
        self.assertEqual(saved[0], saved[1])
        self.assertNotEqual(saved[0], saved[2])

    def test_output(self):
        for ranks in (1, 2):
            result = self.assertFine(self.fake(ranks, "--memory-report", "--profile"))
            self.assertRegex(result.out, r"(?m)^final loss \d+\.\d+\s*$")
            self.assertRegex(result.out, r"step 5/5  loss \d\.\d{4}  \d+ tokens/s  0 s left")
            self.assertIn("time by rank", result.out)
            self.assertNotIn("\x1b", result.out)  # no terminal here
            rows = re.findall(r"(?m)^  rank \d+ +(?:\d+ +){6}(\d+) +(\d+)\s*$", result.out)
            self.assertEqual(len(rows), ranks, result.out)
            for planned, allocated in rows:
                self.assertEqual(planned, allocated)
            quiet = self.assertFine(self.fake(ranks, "--quiet"))
            self.assertRegex(quiet.out.strip(), r"^final loss \d+\.\d+$")
            lines = self.assertFine(self.fake(ranks, "--progress", "line"))
            self.assertIn("\x1b[Kstep 5/5", lines.out)

    def test_sgd_needs_no_memory_for_state(self):
        def planned(*options):
            out = self.assertFine(self.fake(1, "--memory-report", *options)).out
            return int(re.search(r"(?m)^  rank 0 +(?:\d+ +){6}(\d+) +\d+\s*$", out)[1])
        self.assertEqual(planned() - planned("--optimizer", "sgd"), 1024)

    def test_trace_and_timeline(self):
        self.assertFine(self.fake(2, "--trace", self.path("t.json"),
                                  "--timeline", self.path("t.svg"), FAKE_WORK="500"))
        events = json.loads(self.read("t.json"))["traceEvents"]
        for rank in (0, 1):
            actions = {(e["args"]["step"], e["args"]["kind"], e["args"]["stage"],
                        e["args"]["microbatch"])
                       for e in events if e["ph"] == "X" and e["pid"] == rank
                       and e["args"].get("kind") in ("F", "B") and e["cat"] == "action"}
            self.assertEqual(actions, {(step, kind, stage, m) for step in range(5)
                                       for kind in "FB" for m in range(4)
                                       for stage in (2 * rank, 2 * rank + 1)})
        # On a common clock a receive ends after its send began.
        begin = {(e["args"]["step"], e["args"]["microbatch"]): e["ts"] for e in events
                 if e["ph"] == "b" and e["pid"] == 0 and e["args"]["kind"] == "send"}
        ends = [(e["ts"], begin[e["args"]["step"], e["args"]["microbatch"]]) for e in events
                if e["ph"] == "e" and e["pid"] == 1 and e["args"]["kind"] == "recv"]
        self.assertEqual(len(ends), 5 * 4)
        for end, start in ends:
            self.assertGreaterEqual(end, start)
        svg = xml.dom.minidom.parseString(self.read("t.svg"))
        texts = [node.firstChild.data for node in svg.getElementsByTagName("text")
                 if node.firstChild.nodeType == node.TEXT_NODE]
        # Three panels, with their rows in the table below.
        panels = [node.firstChild.data for node in svg.getElementsByTagName("tspan")
                  if node.getAttribute("font-weight")]
        self.assertEqual(panels, ["measured", "predicted from this step's times",
                                  "planned by the compiler"])
        for expected in ("F: forward", "B: backward", *panels):
            self.assertIn(expected, texts)
        for rank in ("rank 0", "rank 1"):
            self.assertEqual(texts.count(rank), 3)
        titles = [node.firstChild.data for node in svg.getElementsByTagName("title")]
        for stage in range(4):
            for kind in "FB":
                # In each panel, from its begin to its end.
                self.assertEqual(sum(title.startswith(f"{stage}{kind}3: ") for title in titles), 3)
        for what in ("send", "receive"):
            self.assertEqual(sum(title.startswith(f"{what}, stage") for title in titles), 8)
        # The prediction lies in the trace, too, once.
        predicted = [(e["pid"], e["args"]["stage"], e["args"]["microbatch"], e["name"][0])
                     for e in events if e.get("cat") == "predicted"]
        self.assertEqual(sorted(predicted), sorted(
            (stage // 2, stage, m, kind) for stage in range(4) for m in range(4)
            for kind in "FB"))

    def test_table_of_bubbles(self):
        for ranks in (1, 2, 4):
            out = self.assertFine(self.fake(ranks, FAKE_WORK="200")).out
            rows = re.findall(r"(?m)^  ((?:measured|predicted|planned)\D*?) +([\d.]+) +([\d.]+)%((?: +[\d.]+%){8})$", out)
            self.assertEqual([row[0] for row in rows],
                             ["measured", "predicted from this step's times",
                              "planned by the compiler"], out)
            for _, _, bubble, shares in rows:
                shares = [float(share.rstrip("%")) for share in shares.split()]
                # All of the time, rounded; the bubble is what ranks idled.
                self.assertAlmostEqual(sum(shares), 100, delta=0.05)
                self.assertAlmostEqual(sum(shares[1:6]), float(bubble), delta=0.04)
            self.assertGreater(float(rows[0][1]), 0)

    def test_emulated(self):
        for ranks in (1, 2, 4):
            self.data = self.path("no-such-file")
            out = self.assertFine(self.fake(
                ranks, "--emulate=2,1,1", "--trace", self.path("t.json"), "--metrics",
                self.path("m.jsonl"), "--timeline", self.path("t.svg"))).out
            self.assertIn("emulated: ", out)
            self.assertIn("  measured, emulated compute", out)
            self.assertIn("  predicted from the emulated times", out)
            self.assertNotIn("loss ", out)
            lines = [json.loads(line) for line in self.read("m.jsonl").splitlines()]
            self.assertEqual([(x["step"], x["loss"], x["grad_norm"]) for x in lines],
                             [(step, None, None) for step in range(5)])
            runs = [e for e in json.loads(self.read("t.json"))["traceEvents"]
                    if e.get("cat") == "action" and e["args"]["kind"] in ("F", "B")]
            self.assertEqual(len(runs), 5 * 2 * 4 * 4)
            # A sleep may be late, and the next ones shorter for it, but not all.
            self.assertGreater(sum(e["dur"] for e in runs), 1000 * 5 * 2 * 4 * 4)
            # The simulator's GPipe: every stage takes 2 ms.
            slots = 4 * 4 // ranks + 4 // ranks * (ranks - 1)
            predicted = re.search(r"predicted from the emulated times +([\d.]+) ", out)[1]
            self.assertAlmostEqual(float(predicted), 2 * 2 * slots, delta=0.001)
        # With the planned durations.
        out = self.assertFine(self.fake(2, "--emulate", "--quiet", "--profile")).out
        self.assertAlmostEqual(float(re.search(r"emulated times +([\d.]+) ", out)[1]), 30, delta=0.001)

    def test_emulated_runs_give_no_weights(self):
        for option in ("--save", "--load"):
            result = self.fake(2, "--emulate", option, self.path("w"))
            self.assertNotEqual(result.code, 0)
            self.assertIn(f"found {option} with --emulate, expected one of them: no numbers are "
                          "computed", result.err)
            self.assertFalse(os.path.exists(self.path("w")))

    @unittest.skipIf(SANITIZED, "sanitizers bring their own malloc")
    def test_a_step_allocates_nothing(self):
        for ranks in (1, 2, 4):
            out = self.assertFine(self.fake(ranks, "--steps", 30, PPRT_COUNT_ALLOCATIONS="1")).out
            counts = re.findall(r"rank \d: program (\d+), MPI \d+, libraries (\d+)", out)
            self.assertEqual(counts, [("0", "0")] * ranks, out)
        # The count can see an allocation.
        out = self.assertFine(self.fake(2, PPRT_COUNT_ALLOCATIONS="1",
                                        FAKE_FAULT="allocate@1")).out
        self.assertIn("rank 0: program 0,", out)
        self.assertIn("rank 1: program 4,", out)

    def test_token_formats(self):
        with open(self.path("tokens.bin"), "wb") as file:
            file.write(struct.pack("<256i", 20240520, 1, 300, *[0] * 253))
            file.write(struct.pack("<300H", *[i % 256 for i in range(300)]))
        with open(self.path("plain.bin"), "wb") as file:
            file.write(struct.pack("<300I", *[i % 256 for i in range(300)]))
        saved = []
        for data, *options in (("tokens.bin",), ("plain.bin", "--token-format", "u32")):
            self.data = self.path(data)
            self.assertFine(self.fake(1, *options, "--save", self.path("w")))
            saved.append(self.read("w/model.safetensors"))
        self.assertEqual(saved[0], saved[1])

    def test_help_without_ranks(self):
        result = self.assertFine(self.fake(1, "--help", variant=4))
        self.assertIn("mpirun -n 4", result.out)
        self.assertIn("--weight-decay", result.out)
        self.assertFalse(os.path.exists(self.path("w")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
