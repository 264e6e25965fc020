#!/usr/bin/env python3
"""A program's profile: every layer with the parts it has, on any cut and under
any schedule; what is compiled with it gives the same bits."""

import json
import math
import pathlib
import re

from harness import (
    BUILD, check, compile_model, digest, execute, make_model, must, run, start,
    write_text,
)

LAYERS = ["embed", "block", "block", "block", "head"]
TRAINING = ["--data", "text", "--steps", 4, "--quiet"]


def check_profile(path, ranks, parts, bytes_of_value=3072):
    """Layers in the model's order, each with its parts; numbers that make sense."""
    profile = json.loads(pathlib.Path(path).read_text())
    check(profile["format"] == 1, f"{path}: format {profile['format']}")
    check([layer["layer"] for layer in profile["layers"]] == LAYERS,
          f"{path}: other layers: {profile['layers']}")
    for number, layer in enumerate(profile["layers"]):
        found = {key for key in layer if len(key) == 1}
        # An embedding has no input gradient.
        expected = parts - {"I"} if number == 0 else parts
        if number == 0:
            found, expected = found - {"R"}, expected - {"R"}
        check(found == expected, f"{path}: parts {found} of layer {number}, expected {expected}")
        for part in found:
            check(math.isfinite(layer[part]) and layer[part] > 0,
                  f"{path}: {layer[part]} s of {part} of layer {number}")
    transfers = profile["transfers"]
    check((transfers is None) == (ranks == 1), f"{path}: transfers {transfers}")
    if transfers:
        check(transfers["latency"] >= 0 and transfers["bandwidth"] > 0,
              f"{path}: transfers {transfers}")
        # Activations of 2 x 12 x 32 floats, and their gradients.
        if bytes_of_value:
            check({value["bytes"] for value in transfers["values"]} >= {bytes_of_value},
                  f"{path}: transfers {transfers}")
    check(profile["update"]["bytes"] > 0 and profile["update"]["seconds"] > 0,
          f"{path}: update {profile['update']}")


def main():
    start()
    write_text("text")
    model = make_model("gpt.mlir", "gpt", "--layers=3", "--width=32", "--heads=2",
                       "--sequence=12", "--batch=2")
    weights = set()
    for number, (ranks, parts, *options) in enumerate([
        (1, {"F", "I", "W"}, "--schedule=gpipe"),
        (2, {"F", "I", "W"}, "--schedule=1f1b"),
        (2, {"F", "I", "W"}, "--schedule=zb-v"),
        (3, {"F", "I", "W", "R"}, "--schedule=zb-h1", "--recompute=full"),
        (4, {"F", "I", "W"}, "--schedule=search"),
    ]):
        path = f"profile{number}.json"
        plain = compile_model(model, "plain", f"--pp={ranks}", "--microbatches=4", *options)
        must(run(plain, ranks, *TRAINING, "--profile-out", path, "--save", "plain.out"))
        check_profile(path, ranks, parts)
        weights.add(digest("plain.out/model.safetensors"))
        for target in (1, 2):
            tuned = compile_model(model, "tuned", f"--pp={target}", "--microbatches=4",
                                  "--schedule=search", f"--profile={path}")
            must(run(tuned, target, *TRAINING, "--save", "tuned.out"))
            weights.add(digest("tuned.out/model.safetensors"))
        must(execute([BUILD / "bin/pp-plan", "simulate", "--ranks=2", "--microbatches=4",
                      f"--profile={path}"]))
        print(f"{ranks} ranks {options}: profile is whole", flush=True)
    check(len(weights) == 1, f"{len(weights)} different weights, expected the same everywhere")

    # Times of ranks that share tensors have their collectives in them; what these
    # take is predicted with the measured latency and bandwidth.
    shared = compile_model(model, "shared", "--pp=2", "--tp=2", "--microbatches=4")
    must(run(shared, 4, *TRAINING, "--profile-out", "shared.json"))
    check_profile("shared.json", 2, {"F", "I", "W"}, bytes_of_value=None)
    line = r"(?m)^tensor: (\d+) collectives .* sent by a rank, ([^,]+), by layer: "
    lines = [re.search(line, must(execute([BUILD / "bin/pp-compile", model, "-o", "shared.ll",
                                           "--pp=2", "--tp=2", "--emit=llvm", *options])))
             for options in ([], ["--profile=shared.json"])]
    check(all(lines) and lines[0][1] == lines[1][1] and lines[0][2] != lines[1][2],
          f"collectives without and with a profile: {lines}")
    print("ranks that share tensors: profile is whole", flush=True)

    # Where nothing can be measured or written, nothing is trained.
    result = run(plain, 4, "--data", "text", "--steps", 2, "--profile-out", "two.json")
    check(result.returncode != 0 and
          "found --steps 2, expected at least 3 with --profile-out" in result.stderr,
          f"status {result.returncode}: {result.stderr}")
    check(not pathlib.Path("two.json").exists(), "a profile of two steps was written")
    result = run(plain, 4, *TRAINING, "--profile-out", "no/such/directory.json")
    check(result.returncode != 0 and "no/such" in result.stderr,
          f"status {result.returncode}: {result.stderr}")


main()
