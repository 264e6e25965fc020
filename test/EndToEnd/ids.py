#!/usr/bin/env python3
"""Ids that the model computes: one that an op cannot take ends the run on all ranks,
on CPUs and on the emulated device, with the op, the id and the range; nothing is
updated. Those that it can take train."""

import os
import pathlib

from harness import BUILD, WORK, check, compile_model, exporting_linker, must, run, start

ROWS = 256

MODEL = """
pp.layer @embed(%t: tensor<2x5xi32>) params(%w: tensor<{rows}x8xf32>) -> tensor<2x5x8xf32> {{
{ids}
  %y = nn.embedding %i, %w : (tensor<2x5x{id}>, tensor<{rows}x8xf32>) -> tensor<2x5x8xf32>
  pp.yield %y : tensor<2x5x8xf32>
}}
pp.layer @head(%x: tensor<2x5x8xf32>, %t: tensor<2x5xi32>) params(%w: tensor<{rows}x8xf32>) -> tensor<f32> {{
{targets}
  %l = nn.linear %x, %w {{transposed}} : (tensor<2x5x8xf32>, tensor<{rows}x8xf32>) -> tensor<2x5x{rows}xf32>
  %loss, %lse = nn.cross_entropy %l, %i {{ignore_index = {ignore} : i64}} : (tensor<2x5x{rows}xf32>, tensor<2x5xi32>) -> (tensor<f32>, tensor<2x5xf32>)
  pp.yield %loss : tensor<f32>
}}
pp.model @m(%tokens: tensor<2x5xi32>, %targets: tensor<2x5xi32>) -> tensor<f32> {{
  %e = pp.param "e" : tensor<{rows}x8xf32> init(#nn.normal<std = 0.5>)
  %f = pp.param "f" : tensor<{rows}x8xf32> init(#nn.normal<std = 0.5>)
  %x = pp.apply @embed(%tokens) params(%e) : (tensor<2x5xi32>) params(tensor<{rows}x8xf32>) -> tensor<2x5x8xf32>
  %l = pp.apply @head(%x, %targets) params(%f) : (tensor<2x5x8xf32>, tensor<2x5xi32>) params(tensor<{rows}x8xf32>) -> tensor<f32>
  pp.return %l : tensor<f32>
}}
"""

SAME = "  %i = nn.reshape %t : (tensor<2x5xi32>) -> tensor<2x5xi32>"


def arithmetic(op, number, element="i32", value="%t"):
    kind = f"tensor<2x5x{element}>"
    return f"  %c = arith.constant dense<{number}> : {kind}\n  %i = arith.{op} {value}, %c : {kind}"


def masked(step):
    """Targets, but `step` where the token is odd."""
    kind = "tensor<2x5xi32>"
    return "\n".join([
        f"  %one = arith.constant dense<1> : {kind}",
        f"  %none = arith.constant dense<0> : {kind}",
        f"  %other = arith.constant dense<{step}> : {kind}",
        f"  %bit = arith.andi %t, %one : {kind}",
        f"  %isEven = arith.cmpi eq, %bit, %none : {kind}",
        f"  %i = arith.select %isEven, %t, %other : tensor<2x5xi1>, {kind}"])


def model(name, ids=SAME, targets=SAME, element="i32", ignore=-100):
    pathlib.Path(f"{name}.mlir").write_text(MODEL.format(
        rows=ROWS, ids=ids, targets=targets, id=element, ignore=ignore))
    return f"{name}.mlir"


TARGETS = {
    "cpu": ([], []),
    "gpu": (["--target=cuda", "--emulate-device"], ["--device", "emulated"]),
}


def programs(path):
    """A program for each number of ranks and target, and how it is run."""
    for target, (compiling, running) in TARGETS.items():
        for ranks in (1, 2):
            label = f"{path.removesuffix('.mlir')}-{target}-{ranks}"
            program = compile_model(path, f"{label}.exe", f"--pp={ranks}",
                                    "--microbatches=2", *compiling)
            yield label, program, ranks, ["--data", "data", "--seed", 1, *running]


def refused(path, *words):
    for label, program, ranks, options in programs(path):
        result = run(program, ranks, *options, "--steps", 3, "--save", f"{label}-out",
                     timeout=60)
        output = result.stdout + result.stderr
        print(f"{label}: status {result.returncode}: {output.strip()[:300]}", flush=True)
        check(result.returncode == 1, f"{label}: found status {result.returncode}, expected 1")
        for word in (*words, "in step 0", "micro-batch", "nothing was updated"):
            check(word in output, f"{label}: found no '{word}' in\n{output}")
        check(output.count("found id") == 1, f"{label}: found several errors in\n{output}")
        check(not pathlib.Path(f"{label}-out/model.safetensors").exists(),
              f"{label}: left weights")


def later(path, *words):
    """The id comes up in a later step, when a device does what it has recorded."""
    for label, program, ranks, options in programs(path):
        result = run(program, ranks, *options, "--steps", 60, timeout=60)
        output = result.stdout + result.stderr
        check(result.returncode == 1, f"{label}: found status {result.returncode}, expected 1")
        for word in words:
            check(word in output, f"{label}: found no '{word}' in\n{output}")
        check("in step 0" not in output, f"{label}: found an error in step 0 in\n{output}")


def recorded(path, *words):
    """The same by the runtime's CUDA code, on the libraries that stand in for NVIDIA's
    (test/Runtime/FakeGPU): from the third step on, a graph is done again."""
    for ranks in (1, 2):
        label = f"{path.removesuffix('.mlir')}-cuda-{ranks}"
        program = compile_model(path, f"{label}.exe", f"--pp={ranks}", "--microbatches=2",
                                "--target=cuda", "--emulate-device",
                                f"--linker={exporting_linker()}")
        messages = WORK / f"messages-{ranks}"
        messages.mkdir()
        libraries = [str(BUILD / "test/Runtime/fake-gpu"), os.environ.get("LD_LIBRARY_PATH", "")]
        result = run(program, ranks, "--data", "data", "--order", "windows", "--seed", 1,
                     "--device", "cuda", "--steps",
                     60, LD_LIBRARY_PATH=":".join(name for name in libraries if name),
                     FAKE_NCCL_DIR=str(messages))
        output = result.stdout + result.stderr
        print(f"{label}: {output.strip()[-300:]}", flush=True)
        check(result.returncode == 1, f"{label}: found status {result.returncode} in\n{output}")
        check("steps as graphs" in output, f"{label}: found no graphs in\n{output}")
        for word in words:
            check(word in output, f"{label}: found no '{word}' in\n{output}")
        for step in range(2):
            check(f"in step {step} " not in output, f"{label}: too early in\n{output}")


def trains(path):
    losses = {}
    for label, program, ranks, options in programs(path):
        losses[label] = must(run(program, ranks, *options, "--steps", 4, "--save", label))
        check("found id" not in losses[label], f"{label}: {losses[label]}")


def main():
    start()
    # All bytes, the large ones everywhere.
    pathlib.Path("data").write_bytes(bytes((i * 37 + 200) % 256 for i in range(2000)))

    refused(model("ids", ids=arithmetic("muli", 2)),
            "in nn.embedding at ids.mlir:5:8", "expected ids in [0, 256)")
    refused(model("targets", targets=arithmetic("muli", 2)),
            "in nn.cross_entropy at targets.mlir:11:17",
            "expected ids in [0, 256) or ignore_index = -100")
    refused(model("negative", targets=arithmetic("addi", -3000)),
            "found id -2", "in nn.cross_entropy at negative.mlir",
            "expected ids in [0, 256) or ignore_index = -100")
    refused(model("mask", targets=masked(-1)), "found id -1", "or ignore_index = -100")
    # Whose lower 32 bits are in range.
    wide = "  %z = arith.extsi %t : tensor<2x5xi32> to tensor<2x5xi64>\n" + arithmetic(
        "addi", 1 << 32, "i64", "%z")
    refused(model("wide", ids=wide, element="i64"), "found id 42949",
            "in nn.embedding", "expected ids in [0, 256)")

    # Divided by 2, moved by 128: in range, at both ends.
    half = "  %d = arith.constant dense<1> : tensor<2x5xi32>\n" \
           "  %h = arith.shrui %t, %d : tensor<2x5xi32>\n"
    trains(model("half", ids=half + arithmetic("addi", 128, value="%h"),
                 targets=half + arithmetic("addi", 128, value="%h")))
    trains(model("ignored", targets=masked(-1), ignore=-1))
    trains(model("data"))

    # A byte in two hundred is too large once 1 is added.
    pathlib.Path("data").write_bytes(
        bytes(255 if i % 200 == 123 else i % 200 for i in range(2000)))
    name = model("later", ids=arithmetic("addi", 1))
    later(name, "found id 256 in nn.embedding at later.mlir")
    recorded(name, "found id 256 in nn.embedding at later.mlir")


main()
