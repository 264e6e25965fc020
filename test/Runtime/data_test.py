#!/usr/bin/env python3
"""Samples of random files against a second reading of them: formats, weights, orders,
documents, replicas, and where steps begin."""

import json
import pathlib
import random
import unittest

import support
import token_files
from sample_order import Order

IGNORED = -100


class File:
    """A file of random tokens, and what must be read from it."""

    def __init__(self, case, number, rng, sequence):
        self.options, self.begins = [], set()
        self.weight = rng.choice([1, 1, 0.3, 7, 0.05])
        name = case.path(f"file{number}")
        count = sequence + 1 + rng.randrange(rng.choice([3, 200, 3000]))
        kind = rng.choice(["megatron", "megatron", "nanogpt", "llmc", "llmc-wide", "numpy"])
        vocabulary = rng.choice([5, 100])
        self.tokens = [rng.randrange(vocabulary) for _ in range(count)]
        self.knows = kind not in ("nanogpt", "numpy")
        if kind == "megatron":
            self.write_megatron(name, rng)
            self.path = name + rng.choice(["", ".bin", ".idx"])
        elif kind == "nanogpt":
            self.path = name + ".bin"
            token_files.write_nanogpt(self.path, self.tokens)
        elif kind == "numpy":
            self.path = name + ".npy"
            token_files.write_numpy(self.path, self.tokens, rng.choice(["u8", "i16", "i64"]))
        else:
            wide = kind == "llmc-wide"
            first = 128000 if wide else 50256
            for i in range(count):
                if rng.random() < 0.1:
                    self.tokens[i] = first
                    self.begins.add(i)
            self.path = name + ".bin"
            token_files.write_llmc(self.path, self.tokens, wide)
        self.kind = kind

    def write_megatron(self, name, rng):
        documents, at = [], 0
        while at < len(self.tokens):
            self.begins.add(at)
            document = []
            for _ in range(rng.randrange(1, 5)):
                end = min(at + rng.randrange(8), len(self.tokens))
                document.append(self.tokens[at:end])
                at = end
            documents.append(document)
            if rng.random() < 0.1:
                documents.append([])
        # A document without tokens begins where the next one does.
        count = sum(map(len, documents))
        order = rng.sample(range(count), count) if rng.random() < 0.5 else None
        token_files.write_megatron(name, documents, rng.choice(["u8", "i8", "i16", "u16", "i32",
                                                                "i64"]), order,
                                   modes=rng.random() < 0.2)


def window(file, begin, sequence, end_token):
    """Tokens, targets and documents of a sample."""
    tokens = file.tokens[begin:begin + sequence + 1]
    targets, documents, number = list(tokens[1:]), [0], 0
    for i in range(1, sequence + 1):
        border = begin + i in file.begins
        if file.kind != "megatron" and end_token is not None:
            border = tokens[i - 1] == end_token
        if border:
            targets[i - 1] = IGNORED
            number += 1
        documents.append(number)
    return tokens[:-1], targets, documents[:-1]


class DataTest(support.Case):
    def samples(self, shape, steps, *options):
        result = support.run([support.program("pprt-data-test"), ",".join(map(str, shape)),
                              ",".join(map(str, steps)), *options])
        self.assertFine(result)
        lines = result.out.splitlines()
        return lines[0], [json.loads(line) for line in lines[1:]]

    def check(self, seed):
        rng = random.Random(seed)
        sequence, batch, microbatches = (rng.randrange(1, n) for n in (40, 4, 4))
        replicas = rng.choice([1, 1, 3])
        files = [File(self, f"{seed}-{i}", rng, sequence)
                 for i in range(rng.choice([1, 1, 2, 3, 6]))]
        order = rng.choice(["epochs", "epochs", "windows"])
        run_seed = rng.randrange(2**64)
        end_token = 3 if not all(file.knows for file in files) or (
            rng.random() < 0.3 and any(file.kind != "megatron" for file in files)) else None
        has_documents = rng.random() < 0.7
        options = ["--order", order, "--seed", run_seed]
        if order == "epochs" and rng.random() < 0.5:
            options = options[2:]
        for file in files:
            # nanoGPT's files need a format, which holds for all.
            weight = "" if file.weight == 1 else f":{file.weight}"
            options += ["--data", file.path + weight]
        if any(file.kind == "nanogpt" for file in files):
            if any(file.kind != "nanogpt" for file in files):
                return
            options += ["--token-format", "u16"]
        if end_token is not None:
            options += ["--document-end", end_token]
        expected = Order([len(file.tokens) for file in files],
                         [file.weight for file in files], sequence, order, run_seed)
        first, sample, count = (rng.randrange(n) for n in (50, 10**rng.choice([2, 6, 12]), 4))
        shape = [sequence, batch, microbatches, replicas]
        identities = set()
        for replica in range(replicas):
            identity, found = self.samples([*shape, replica, int(has_documents)],
                                           [first, sample, count], *options)
            identities.add(identity)
            self.assertEqual(len(found), count * microbatches)
            for i, (step, m) in enumerate((s, m) for s in range(count)
                                          for m in range(microbatches)):
                arrays = [[], [], []]
                for row in range(batch):
                    place = ((step * replicas + replica) * microbatches + m) * batch + row
                    number, begin = expected.place(sample + place)
                    self.assertLessEqual(begin + sequence + 1, len(files[number].tokens))
                    rows = window(files[number], begin, sequence, end_token)
                    if not has_documents:
                        rows = rows[0], files[number].tokens[begin + 1:begin + sequence + 1]
                    for array, values in zip(arrays, rows):
                        array += values
                valid = sum(target != IGNORED for target in arrays[1])
                arrays = arrays if has_documents else arrays[:2]
                self.assertEqual(found[i], [*arrays, valid], (seed, step, m))
        self.assertEqual(len(identities), 1)

    def test_random_files(self):
        for seed in range(80):
            with self.subTest(seed=seed):
                self.check(seed)

    def test_epochs_of_several_files(self):
        """Each file's windows once an epoch of its own."""
        for name, count, token in (("a", 81, 1), ("b", 41, 2)):
            token_files.write_nanogpt(self.path(name + ".bin"), [token] * count)
        options = ["--token-format", "u16", "--data", self.path("a.bin:0.75"), "--data",
                   self.path("b.bin:0.25")]
        _, found = self.samples([8, 1, 1, 1, 0, 0], [0, 0, 1000], *options)
        sources = [tokens[0] for tokens, _, _ in found]
        for n in range(1, 1001):
            self.assertLessEqual(abs(sources[:n].count(1) - 0.75 * n), 0.5, n)

    def test_goes_on_with_steps_of_another_size(self):
        """The samples behind each other are the same, however steps cut them."""
        token_files.write_nanogpt(self.path("a.bin"), list(range(5000)))
        options = ["--token-format", "u16", "--data", self.path("a.bin"), "--seed", 4]
        _, one = self.samples([7, 1, 1, 1, 0, 0], [0, 0, 120], *options)
        _, before = self.samples([7, 2, 3, 1, 0, 0], [0, 0, 10], *options)
        _, behind = self.samples([7, 4, 1, 1, 0, 0], [10, 60, 15], *options)
        rows = [tokens[i:i + 7] for tokens, _, _ in before + behind
                for i in range(0, len(tokens), 7)]
        self.assertEqual(rows, [tokens for tokens, _, _ in one])


class Programs(support.Case):
    """Whole runs of the hand-made program, of 16 tokens a sequence, below 256."""

    def write_files(self):
        rng = random.Random(1)
        tokens = [rng.randrange(256) for _ in range(4000)]
        documents = [[tokens[i:i + 30]] for i in range(0, 3000, 30)]
        token_files.write_megatron(self.path("web"), documents, order=list(range(99, -1, -1)))
        token_files.write_numpy(self.path("code.npy"), tokens[3000:])
        token_files.write_nanogpt(self.path("train.bin"), tokens)
        self.data = self.path("web.idx:0.7")

    def test_ranks_read_the_same_samples(self):
        self.write_files()
        losses = []
        for ranks in (1, 2, 4):
            result = self.assertFine(self.fake(
                ranks, "--data", self.path("code.npy:0.3"), "--steps", 30, "--metrics",
                self.path("m.jsonl")))
            self.assertIn("web.bin, 3000 tokens (u16), an epoch of 187 samples, 70 % of all\n",
                          result.out)
            self.assertIn("code.npy, 1000 tokens (i32), an epoch of 62 samples, 30 % of all\n",
                          result.out)
            losses.append([json.loads(line)["loss"] for line in
                           self.read("m.jsonl").splitlines()])
        self.assertEqual(losses[0], losses[1])
        self.assertEqual(losses[0], losses[2])

    def test_errors(self):
        self.write_files()
        for name, damage, message in [
                ("web.idx", lambda b: b[:-1], "the file is truncated"),
                ("web.idx", lambda b: b[:34] + b"\xff" * 4 + b[38:], "sequence 0 with -1 tokens"),
                ("web.bin", lambda b: b[:-2], "expected at most the 5998 bytes")]:
            self.write_files()
            whole = self.read(name)
            token_files.write(self.path(name), damage(whole))
            for ranks in (1, 2):
                result = self.fake(ranks)
                self.assertEqual(result.code, 1, str(result))
                self.assertIn(message, result.err)
        self.write_files()
        for options, message in [
                (["--data", self.path("train.bin")], "add --token-format u16, u32 or bytes"),
                (["--data", self.path("none.idx")], "cannot open the data file"),
                (["--data", self.path("code.npy:0")], "expected a positive finite number"),
                (["--document-end", 5], "with files whose index knows documents")]:
            result = self.fake(1, *options)
            self.assertEqual(result.code, 1, str(result))
            self.assertIn(message, result.err)

    def test_ranks_with_another_index(self):
        self.write_files()
        command = [support.program("pprt-fake-2"), "--steps", 1, "--data", "set"]
        for place, order in (("a", None), ("b", [1, 0])):
            folder = pathlib.Path(self.path(place))
            folder.mkdir()
            # The same tokens in the file, in another order by the index.
            token_files.write_megatron(str(folder / "set"), [[list(range(40))], [[7] * 40]], "u16",
                                       order)
            if order:
                (folder / "set.bin").write_bytes(pathlib.Path(self.path("a/set.bin")).read_bytes())
        command[0] = str(pathlib.Path(command[0]).resolve())
        result = support.run(["mpirun", "--oversubscribe", "-n", 1, "--wdir", self.path("a"),
                              *command, ":", "-n", 1, "--wdir", self.path("b"), *command])
        self.assertEqual(result.code, 1, str(result))
        self.assertIn("error: rank 1: found a data file with fingerprint", result.err)


if __name__ == "__main__":
    unittest.main()
