#!/usr/bin/env python3
"""The life of a model, as README.md tells it: its lines are run as they stand there, with a
small model of random weights in the place of the large one, and a `timeout` that sends its
signal after some steps instead of hours. What was interrupted and went on elsewhere has the
bytes of a run that was not."""

import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import golden_setup as setup
from harness import (
    BUILD, ENVIRONMENT, SOURCE, check, digest, execute, must, read_metrics, start,
)

TITLE = "## The life of a model"
INTERRUPT_AFTER = 20  # lines of metrics


def commands():
    """The lines of README's block, those that go on in the next one joined."""
    text = (SOURCE / "README.md").read_text().partition(TITLE)[2]
    check(text, f"README.md has no '{TITLE}'")
    block = re.search(r"```\n(.*?)```", text, re.DOTALL)[1].replace("\\\n", " ")
    return [line for line in block.splitlines() if line and not line.startswith("#")]


def make_model(directory):
    """What stands in for the large model: config.json and random weights."""
    config = json.loads((SOURCE / "test/EndToEnd/Inputs/hugging-face/qwen3/config.json").read_text())
    config |= {"vocab_size": 259, "max_position_embeddings": 4096, "hidden_size": 32,
               "head_dim": 8, "dtype": "float32"}
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(config))
    must(execute([BUILD / "bin/pp-import", directory, "--sequence=8", "--batch=1",
                  "--from-scratch", "-o", "shapes.mlir"]))
    shapes = re.findall(r'pp\.param "(.*?)" : tensor<(.*?)>', pathlib.Path("shapes.mlir").read_text())
    weights = {}
    for name, shape in shapes:
        sizes = [int(size) for size in shape.split("x")[:-1]]
        weights[name] = (sizes, setup.values(name, sizes))
    setup.write_safetensors(directory / "model.safetensors", weights)
    (directory / "tokenizer.json").write_text('{"version": "1.0"}')


def write_tokens(path):
    """Words of 16 bits with something to learn: each follows from the one before, mostly."""
    state, token, tokens = 1, 0, []
    for _ in range(60000):
        state = (state * 1103515245 + 12345) % 2**31
        token = (state >> 16) % 259 if state % 7 == 0 else (5 * token + 3) % 259
        tokens.append(token)
    path.write_bytes(struct.pack(f"<{len(tokens)}H", *tokens))


def write_timeout(path):
    """`timeout --signal=USR1 DURATION COMMAND...` that counts steps instead of time."""
    path.write_text(f"""#!/usr/bin/env python3
import pathlib, signal, subprocess, sys, time
assert sys.argv[1] == "--signal=USR1", sys.argv
process = subprocess.Popen(sys.argv[3:])
metrics = pathlib.Path("run.jsonl")
while process.poll() is None:
    if metrics.exists() and metrics.read_bytes().count(b"\\n") >= {INTERRUPT_AFTER}:
        process.send_signal(signal.SIGUSR1)
        break
    time.sleep(0.005)
sys.exit(124 if process.wait() else 0)
""")
    path.chmod(0o755)


def execute_line(line, environment):
    result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment,
                            timeout=300)
    expected = 124 if line.startswith("timeout ") else 0
    check(result.returncode == expected,
          f"status {result.returncode}, expected {expected}: {line}\n{result.stdout}{result.stderr}")
    print(line, flush=True)
    return result.stdout + result.stderr


def main():
    start()
    make_model(pathlib.Path("Qwen3-0.6B"))
    write_tokens(pathlib.Path("train.bin"))
    tools = pathlib.Path("tools").resolve()
    tools.mkdir()
    write_timeout(tools / "timeout")
    environment = dict(
        ENVIRONMENT, PATH=os.pathsep.join([str(tools), str(BUILD / "bin"), os.environ["PATH"]]),
        OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_hwloc_base_binding_policy="none")
    lines = commands()
    check(len(lines) <= 10, f"{len(lines)} lines")
    output = [execute_line(line, environment) for line in lines]

    stopped = next(i for i, line in enumerate(lines) if line.startswith("timeout "))
    found = re.search(r"interrupted by SIGUSR1 after (\d+) of (\d+) steps", output[stopped])
    check(found, output[stopped])
    steps = int(found[2])
    metrics = read_metrics("run.jsonl")
    check([line["step"] for line in metrics] == list(range(steps)), "steps of the metrics")
    check(metrics[-1]["loss"] < metrics[0]["loss"] - 0.5, "nothing was learned")
    check("run" in pathlib.Path("run.html").read_text(), "the page")

    # The same without a stop, on the first mesh.
    shutil.rmtree("run")
    pathlib.Path("run.jsonl").unlink()
    whole = lines[stopped].partition(" mpirun ")[2]
    execute_line(f"mpirun {whole} --save whole --save-dtype bf16", environment)
    check(digest("whole/model.safetensors") == digest("Qwen3-mine/model.safetensors"),
          "other bytes than without a stop")
    check(read_metrics("run.jsonl")[-1]["loss"] == metrics[-1]["loss"], "other losses")
    # What is saved is a model of Hugging Face: under its names, and one that is imported again.
    before = pathlib.Path("Qwen3-0.6B/model.safetensors").read_bytes()
    after = pathlib.Path("Qwen3-mine/model.safetensors").read_bytes()
    names = [set(json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])) - {"__metadata__"}
             for data in (before, after)]
    check(names[0] == names[1], names[0] ^ names[1])
    check(json.loads(pathlib.Path("Qwen3-mine/config.json").read_text())["model_type"] == "qwen3",
          "config.json")
    check(digest("Qwen3-mine/tokenizer.json") == digest("Qwen3-0.6B/tokenizer.json"), "the tokenizer")
    must(execute([BUILD / "bin/pp-import", "Qwen3-mine", "--sequence=8", "--batch=1", "-o",
                  "again.mlir"]))
    print(f"interrupted after {found[1]} of {steps} steps: the same bytes on another mesh")


main()
