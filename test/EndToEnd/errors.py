#!/usr/bin/env python3
"""What goes wrong ends soon, on all ranks, with an error that says what was
found and what to do, and leaves nothing half-written."""

import json
import pathlib
import struct
import time

from harness import (
    check, compile_model, fail, make_model, must, run, start, write_text,
)

RANKS = 2
LIMIT = 20  # seconds until all ranks have ended


def expect_error(name, program, options, *words, ranks=RANKS):
    begin = time.monotonic()
    result = run(program, ranks, *options, "--save", f"{name}-out",
                 "--metrics", f"{name}.jsonl", timeout=60)
    seconds = time.monotonic() - begin
    output = result.stdout + result.stderr
    print(f"{name}: status {result.returncode} after {seconds:.1f} s", flush=True)
    if result.returncode == 0:
        fail(f"{name}: the program succeeded")
    check(seconds < LIMIT, f"{name}: took {seconds:.1f} s, expected at most {LIMIT}")
    for word in words:
        if word not in output:
            print(output)
            fail(f"{name}: found no '{word}' in the output")
    for path in pathlib.Path(f"{name}-out").glob("*"):
        fail(f"{name}: left {path} behind")


def main():
    start()
    write_text("text")
    model = make_model("gpt.mlir", "gpt", "--layers=2", "--width=32", "--heads=2",
                       "--sequence=16", "--batch=2")
    program = compile_model(model, "gpt.exe", f"--pp={RANKS}", "--microbatches=2",
                            "--schedule=1f1b")
    good = ["--data", "text", "--steps", 3]

    expect_error("more-ranks", program, good, "3", "2", "expected", ranks=3)
    expect_error("fewer-ranks", program, good, "1", "2", "expected", ranks=1)
    expect_error("no-data", program, ["--data", "missing", "--steps", 3],
                 "cannot open the data file 'missing'")
    pathlib.Path("short").write_text("0123456789")
    expect_error("short-data", program, ["--data", "short", "--steps", 3], "10", "17")
    pathlib.Path("empty").write_text("")
    expect_error("empty-data", program, ["--data", "empty", "--steps", 3],
                 "found an empty data file")
    expect_error("unknown-option", program, [*good, "--bogus", 1], "--bogus")

    tokens = [i % 200 for i in range(400)]
    tokens[250] = 300
    pathlib.Path("tokens.bin").write_bytes(struct.pack("<400H", *tokens))
    expect_error("vocabulary", program,
                 ["--data", "tokens.bin", "--token-format", "u16", "--steps", 200],
                 "token 300", "vocabulary of 256")
    pathlib.Path("odd.bin").write_bytes(b"\0" * 401)
    expect_error("odd-data", program,
                 ["--data", "odd.bin", "--token-format", "u16", "--steps", 3],
                 "expected a multiple of 2")

    expect_error("no-weights", program, [*good, "--load", "nowhere"],
                 "found neither model.safetensors nor")
    must(run(program, RANKS, *good, "--save", "weights"))
    whole = pathlib.Path("weights/model.safetensors").read_bytes()
    for name, data in [("cut-weights", whole[:-100]), ("cut-header", whole[:50]),
                       ("no-header", b"x")]:
        pathlib.Path(name).mkdir()
        pathlib.Path(name, "model.safetensors").write_bytes(data)
        expect_error(name, program, [*good, "--load", name], "truncated")
    length = struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8:8 + length])
    header["stranger"] = header.pop("wpe.weight")
    text = json.dumps(header).encode()
    pathlib.Path("other").mkdir()
    pathlib.Path("other/model.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + whole[8 + length:])
    expect_error("other-weights", program, [*good, "--load", "other"], "stranger")

    expect_error("non-finite", program,
                 ["--data", "text", "--steps", 50, "--lr", "1e30", "--clip", 0],
                 "finite", "step")
    # The whole weights load again.
    must(run(program, RANKS, *good, "--load", "weights"))


main()
