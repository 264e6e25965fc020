#!/usr/bin/env python3
"""Mixed precision: training in bf16 follows that in f32, with half the bytes for
parameters, activations and transfers; masters are what files hold."""

import json
import pathlib
import re
import struct

from harness import (
    BUILD, check, compile_model, digest, execute, make_model, must, read_metrics,
    run, start, write_text,
)

STEPS = 30


def losses(program, ranks, label, *options):
    must(run(program, ranks, "--data", "text", "--steps", STEPS, "--lr", "0.01",
             "--seed", 7, "--metrics", f"{label}.jsonl", "--save", label, "--quiet",
             *options))
    return [step["loss"] for step in read_metrics(f"{label}.jsonl")]


def weights(label):
    """Header and values of a checkpoint."""
    data = (pathlib.Path(label) / "model.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    values = data[8 + size:]
    return header, struct.unpack(f"<{len(values) // 4}f", values)


def follows(name, model, ranks, *options):
    """Trains both ways and compares."""
    wide = losses(compile_model(model, f"{name}-f32.exe", f"--pp={ranks}",
                                "--microbatches=4"), ranks, f"{name}-f32", *options)
    program = compile_model(model, f"{name}-bf16.exe", f"--pp={ranks}",
                            "--microbatches=4", "--precision=bf16")
    narrow = losses(program, ranks, f"{name}-bf16", *options)
    print(f"{name}: f32 {wide[0]:.4f} to {wide[-1]:.4f}, "
          f"bf16 {narrow[0]:.4f} to {narrow[-1]:.4f}", flush=True)
    check(wide[-1] < wide[0] - 0.5, f"{name}: the loss does not fall")
    for step, (a, b) in enumerate(zip(wide, narrow)):
        check(abs(a - b) < 0.03 * a, f"{name}: step {step} has loss {b}, in f32 {a}")
    check(wide != narrow, f"{name}: the same losses, so nothing was computed in bf16")
    header, values = weights(f"{name}-bf16")
    expected, _ = weights(f"{name}-f32")
    check(header == expected, f"{name}: other names, shapes or types in the file")
    # Masters have bits that bf16 has not.
    rest = sum(struct.unpack("<I", struct.pack("<f", value))[0] & 0xffff != 0
               for value in values)
    check(rest > len(values) // 2, f"{name}: weights are rounded to bf16")
    return program


def reload(name, program, ranks):
    """Loading and saving keeps every bit of the masters: the rate is 0 as an f32."""
    must(run(program, ranks, "--data", "text", "--steps", 1, "--lr", "1e-60", "--quiet",
             "--optimizer", "sgd", "--load", f"{name}-bf16", "--save", "again"))
    check(digest("again/model.safetensors") == digest(f"{name}-bf16/model.safetensors"),
          f"{name}: other weights after loading and saving")


def by_hand(model):
    """A model that says bf16 itself is the same program as one of the option."""
    text = must(execute([BUILD / "bin/pp-opt", model, "--pp-lower-precision"]))
    check("xbf16>" in text, "found no bf16 in the lowered model")
    pathlib.Path("by-hand.mlir").write_text(text)
    program = compile_model("by-hand.mlir", "by-hand.exe", "--pp=2", "--microbatches=4")
    losses(program, 2, "by-hand")
    check(digest("by-hand/model.safetensors") == digest("gpt-bf16/model.safetensors"),
          "a model written in bf16 trains to other weights")


def memory(model):
    """Planned bytes are allocated, and bf16 takes half where it should."""
    table = {}
    for precision in ("f32", "bf16"):
        program = compile_model(model, "memory.exe", "--pp=2", "--microbatches=4",
                                f"--precision={precision}")
        for optimizer in ("sgd", "adamw"):
            output = must(run(program, 2, "--data", "text", "--steps", 3, "--optimizer",
                              optimizer, "--memory-report", PPRT_COUNT_ALLOCATIONS="1"))
            rows = re.findall(r"^  rank (\d+) ((?: +\d+){8})$", output, re.M)
            check(len(rows) == 2, f"found {len(rows)} rows in\n{output}")
            for rank, row in rows:
                numbers = [int(number) for number in row.split()]
                table[precision, optimizer, rank] = numbers
                check(numbers[6] == numbers[7],
                      f"rank {rank}: {numbers[6]} bytes planned, {numbers[7]} allocated")
            counts = re.findall(r"program (\d+), MPI \d+, libraries (\d+)", output)
            check(counts == [("0", "0")] * 2, f"allocations in steps:\n{output}")
    for rank in ("0", "1"):
        f32, bf16 = (table[p, "adamw", rank] for p in ("f32", "bf16"))
        print(f"rank {rank}: f32 {f32}, bf16 {bf16}")
        check(bf16[0] < 0.6 * f32[0], f"rank {rank}: parameters are not halved")
        check(bf16[1] == f32[1], f"rank {rank}: gradients are not f32")
        check(abs(bf16[2] - 1.5 * f32[2]) <= 0.01 * f32[2],
              f"rank {rank}: no masters beside the optimizer's state")
        check(bf16[3] < 0.7 * f32[3], f"rank {rank}: activations are not halved")
        check(0 < table["bf16", "sgd", rank][2] < bf16[2],
              f"rank {rank}: no masters under SGD")


def main():
    start()
    write_text("text")
    gpt = make_model("gpt.mlir", "gpt", "--layers=2", "--width=32", "--heads=2",
                     "--sequence=16", "--batch=2")
    program = follows("gpt", gpt, 2)
    reload("gpt", program, 2)
    by_hand(gpt)
    follows("sgd", gpt, 1, "--optimizer", "sgd", "--lr", "0.5")
    llama = make_model("llama.mlir", "llama", "--layers=2", "--width=32", "--heads=4",
                       "--kv-heads=2", "--hidden=48", "--sequence=12", "--batch=2")
    follows("llama", llama, 2)
    memory(gpt)


main()
